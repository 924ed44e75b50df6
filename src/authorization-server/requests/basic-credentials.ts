/** The id and the secret of a client, as they were sent. Untrusted. */
interface BasicCredentials {
  readonly id: string
  readonly secret: string
}

/**
 * Reads an `Authorization` header of the Basic scheme (RFC 7617 section 2), without removing the encoding that
 * OAuth adds (RFC 6749 section 2.3.1). Undefined for any other header. Untrusted.
 */
export function basicCredentials(header = ''): BasicCredentials | undefined {
  const encoded = /^basic ([A-Za-z0-9+/=]+)$/i.exec(header)?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const end = text.indexOf(':')
  return end === -1 ? undefined : { id: text.slice(0, end), secret: text.slice(end + 1) }
}

/**
 * A Basic header of a client that did not encode its id or its secret (RFC 6749 section 2.3.1), encoded where
 * it could not be decoded, or would be another id: none has a space. Any other header stays as it is.
 * Untrusted.
 */
export function decodableHeader(header: string): string {
  const sent = basicCredentials(header)
  if (sent === undefined) return header
  const id = decodable(sent.id).replaceAll('+', '%2B')
  const secret = decodable(sent.secret)
  if (id === sent.id && secret === sent.secret) return header
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

function decodable(text: string): string {
  try {
    if (/^[\x20-\x7e]*$/.test(decodeURIComponent(text))) return text
  } catch {
    // A percent sign that means itself.
  }
  return encodeURIComponent(text)
}
