/** Marks a text as JSON that is written as it stands. In every supported Node; not yet in TypeScript's library. */
interface JsonWithRaw {
  rawJSON(text: string): { readonly rawJSON: string }
  isRawJSON(value: unknown): value is { readonly rawJSON: string }
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

/** Up to fifteen digits are never rounded. Looking at each number costs several times the parsing. */
const maybeInexact = /\d[\d.]{15}|\de/i

/** Parses JSON for a record: a number that JavaScript would take for another one becomes its text. */
export function parseExact(text: string): unknown {
  if (!maybeInexact.test(text)) return JSON.parse(text)
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && decimal(String(value)) !== decimal(source)
      ? source
      : value,
  )
}

/** One text for each number, however it is written: its digits without zeros at either end, and their place. */
function decimal(text: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  let end = digits.length
  while (digits[end - 1] === '0') end-- // a pattern would begin anew at each zero
  const place = Number(exponent) - fraction.length + digits.length - end
  return end === 0 ? '0' : `${sign}${digits.slice(0, end)}e${place}`
}

/**
 * What an id or a token of `parseLossless` is known by, however its number is written: servers give back `1` as `1.0`, and
 * a number that stayed text is another object each time that it is read.
 */
export function idKey(id: unknown): unknown {
  if (!json.isRawJSON(id)) return id
  const number = Number(id.rawJSON)
  return Number.isSafeInteger(number) ? number : `\0${id.rawJSON}` // no text that a peer would choose
}
