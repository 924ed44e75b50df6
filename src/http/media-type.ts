/**
 * The media type in a `Content-Type`, without parameters and in lower case (RFC 9110 section 8.3.1); empty if
 * there is none, or more than one. Untrusted input.
 */
export function mediaTypeOf(contentType: string | readonly string[] | undefined): string {
  return typeof contentType === 'string' ? (contentType.split(';', 1)[0] ?? '').trim().toLowerCase() : ''
}
