const sentinelStart = '=?base64?'
const sentinelEnd = '?='
const canonicalBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Decodes the value of an `Mcp-Name` or `Mcp-Param-*` header (MCP 2026-07-28, transports, "Value Encoding"):
 * a value between the sentinels is base64 of UTF-8; everything else, including half a sentinel, is literal.
 * Returns undefined for invalid base64 or UTF-8. The input is untrusted.
 */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith(sentinelStart) || !value.endsWith(sentinelEnd)) return value
  const encoded = value.slice(sentinelStart.length, -sentinelEnd.length)
  if (!canonicalBase64.test(encoded)) return undefined
  try {
    return utf8.decode(Buffer.from(encoded, 'base64'))
  } catch {
    return undefined // not UTF-8: the caller refuses the header
  }
}

/**
 * Encodes a text as the value of such a header: as it is if HTTP carries it unchanged, otherwise as base64.
 */
export function encodeHeaderValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)
  const looksEncoded = text.startsWith(sentinelStart) && text.endsWith(sentinelEnd)
  return plain && !looksEncoded
    ? text
    : `${sentinelStart}${Buffer.from(text).toString('base64')}${sentinelEnd}`
}
