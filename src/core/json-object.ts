/** A JSON object with unknown members. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a parsed value is a JSON object: not an array and not null. Untrusted input is fine. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A text as a JSON object; undefined for anything else, without a word of it. Untrusted input is fine. */
export function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined // the caller says what it expected; the message of the error would repeat parts of the text
  }
}
