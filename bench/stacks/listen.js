// Lets a program of this folder listen, over TLS where the benchmark gives it a certificate.
import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'

const { PORT, TLS_CERTIFICATE, TLS_KEY } = process.env

/** What `createServer` of node:https wants; undefined for plain HTTP. */
export const tls =
  TLS_CERTIFICATE === undefined
    ? undefined
    : { cert: readFileSync(TLS_CERTIFICATE), key: readFileSync(TLS_KEY) }

export function listen(createServer, handle) {
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle)
  server.listen(Number(PORT), '127.0.0.1')
}
