import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'
import { makeCertificate, writePair } from '../../test/support/local-tls.ts'

/** Where an issuer publishes its keys. */
export interface KeyServer {
  readonly url: string
  /** PEM file of its certificate, which nobody trusts unless told to. */
  readonly certificate: string
  readonly close: () => void
}

/** Serves a JWK Set of one key on a free port, over https, as gates in production require. */
export async function serveKeys(key: JWK): Promise<KeyServer> {
  const pair = makeCertificate()
  const server = createServer(pair, (_req, res) =>
    res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [key] })),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    certificate: writePair(pair).certificate,
    close: () => server.close(),
  }
}
