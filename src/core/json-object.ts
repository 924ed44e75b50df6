/** A JSON object with unknown members. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a parsed value is a JSON object: not an array and not null. Untrusted input is fine. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
