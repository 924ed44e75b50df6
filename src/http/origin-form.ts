import type { IncomingMessage, RequestListener } from 'node:http'

const slash = 0x2f
const absoluteForm = /^https?:\/\/([^/?]*)(.*)$/is

/**
 * Presents the origin form of a request target to a handler if a client sent the absolute form, as some do
 * that assume a proxy. The authority in it is the intended host, whatever `Host` says (RFC 9112
 * section 3.2.2), and is checked like any other host. The request is untrusted.
 */
export function inOriginForm(handle: RequestListener): RequestListener {
  return (req, res) => {
    if (req.url?.charCodeAt(0) !== slash) toOriginForm(req)
    return handle(req, res)
  }
}

function toOriginForm(req: IncomingMessage): void {
  const [, authority, rest = ''] = absoluteForm.exec(req.url ?? '') ?? []
  if (authority === undefined) return
  // With user information it is not a host, and a possible password should not be logged.
  const host = authority.includes('@') ? '' : authority
  req.url = rest.startsWith('/') ? rest : `/${rest}`
  req.headers.host = host
  for (let index = 0; index + 1 < req.rawHeaders.length; index += 2) {
    if (req.rawHeaders[index]?.toLowerCase() === 'host') req.rawHeaders[index + 1] = host
  }
}
