import type { IncomingMessage, RequestListener } from 'node:http'

const slash = 0x2f
const absoluteForm = /^https?:\/\/([^/?]*)(.*)$/is

/**
 * Shows a handler the origin form of a request target if a client sent the absolute form, as some do that
 * believe they talk to a proxy. The authority in it is the intended host, whatever `Host` says (RFC 9112
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
  // With user information it is no host, and what may be a password should not get into the log.
  const host = authority.includes('@') ? '' : authority
  req.url = rest.startsWith('/') ? rest : `/${rest}`
  req.headers.host = host
  for (let index = 0; index + 1 < req.rawHeaders.length; index += 2) {
    if (req.rawHeaders[index]?.toLowerCase() === 'host') req.rawHeaders[index + 1] = host
  }
}
