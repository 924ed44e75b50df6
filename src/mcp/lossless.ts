/**
 * Marks a text as JSON that is written unchanged. Available in every supported Node, but not yet in
 * TypeScript's library.
 */
interface JsonWithRaw {
  rawJSON(text: string): { readonly rawJSON: string }
  isRawJSON(value: unknown): value is { readonly rawJSON: string }
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
}

const json = JSON as unknown as JsonWithRaw

/**
 * Parses JSON so that serializing it again changes no number: those that JavaScript would round stay text.
 */
export function parseLossless(text: string): unknown {
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source
      ? json.rawJSON(source)
      : value,
  )
}

/**
 * Up to fifteen digits are never rounded. Checking each number would cost several times as much as parsing.
 */
const maybeInexact = /\d[\d.]{15}|\de/i

/** Parses JSON for a record: a number that JavaScript would change becomes its text. */
export function parseExact(text: string): unknown {
  if (!maybeInexact.test(text)) return JSON.parse(text)
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && decimal(String(value)) !== decimal(source)
      ? source
      : value,
  )
}

/**
 * One canonical text for each number, however it is written: its digits without leading or trailing zeros,
 * and their exponent.
 */
function decimal(text: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  let end = digits.length
  while (digits[end - 1] === '0') end-- // a regular expression would restart at each zero
  const place = Number(exponent) - fraction.length + digits.length - end
  return end === 0 ? '0' : `${sign}${digits.slice(0, end)}e${place}`
}

/**
 * The identity of an id or token from `parseLossless`, however its number is written: servers return `1` as
 * `1.0`, and a number that stayed text is a new object each time it is parsed.
 */
export function idKey(id: unknown): unknown {
  if (!json.isRawJSON(id)) return id
  const number = Number(id.rawJSON)
  return Number.isSafeInteger(number) ? number : `\0${id.rawJSON}` // a text that no peer would choose
}

/**
 * The text of a number from `parseLossless`, without a fraction of zeros; undefined for anything else. Untrusted
 * input is fine.
 */
export function numberText(value: unknown): string | undefined {
  if (!json.isRawJSON(value)) return typeof value === 'number' ? String(value) : undefined
  const number = idKey(value)
  return typeof number === 'number' ? String(number) : value.rawJSON
}
