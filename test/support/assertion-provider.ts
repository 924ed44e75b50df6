import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { GatedSpy } from './gated-spy.ts'
import { listen } from './listen.ts'

/** An identity provider: a key set, and assertions each part of which can be made wrong. */
export interface AssertionProvider {
  readonly issuer: string
  readonly jwksUri: string
  /** How often its keys were fetched. */
  readonly fetched: () => number
  assert(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}

/** Starts one, whose assertions are about alice, for the client `desktop` and the server of a gateway. */
export async function startAssertionProvider(gate: () => GatedSpy): Promise<AssertionProvider> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'idp', alg: 'ES256', use: 'sig' }]
  let fetched = 0
  const server = createServer((_req, res) => {
    fetched++
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }))
  })
  const { url: issuer, close } = await listen(server)
  return {
    issuer,
    jwksUri: `${issuer}/keys`,
    fetched: () => fetched,
    close,
    assert(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      const { url, mcpUrl } = gate().installation
      const right = {
        iss: issuer,
        sub: 'alice',
        aud: url,
        client_id: 'desktop',
        resource: mcpUrl,
        jti: randomUUID(),
      }
      const rest = { iat: now, exp: now + 300, scope: 'mcp:tools:read mcp:tools:execute' }
      return new SignJWT({ ...right, ...rest, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'idp', typ: 'oauth-id-jag+jwt', ...header })
        .sign(privateKey)
    },
  }
}
