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
