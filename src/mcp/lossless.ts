/** Marks a text as JSON that is written as it stands. In every supported Node; not yet in TypeScript's library. */
interface JsonWithRaw {
  rawJSON(text: string): unknown
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
}

const json = JSON as unknown as JsonWithRaw

/** Parses JSON so that writing it again changes no number: those that JavaScript would round stay as text. */
export function parseLossless(text: string): unknown {
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? json.rawJSON(source)
      : value,
  )
}
