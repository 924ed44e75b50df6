import { createServer } from 'node:http'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type GatedSpy, legacyRequest } from './gated-spy.ts'
import { listen } from './listen.ts'

/** A third party's issuer of access tokens. */
export interface TokenIssuer {
  readonly issuer: string
  metadata: Record<string, unknown>
  /** Signs an access token: claims, and members of its header, override the correct ones. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  /** Creates another key that signs from now on; default: under a new `kid`, with RS256. */
  rotate(kid?: string, alg?: string): Promise<void>
  /** The introspection answers for opaque tokens, by token. */
  readonly opaque: Map<string, Record<string, unknown>>
  /** The secret of the last introspection request. */
  askedWith: string | undefined
  /** Whether keys and introspection are unavailable. */
  isAway: boolean
  readonly paths: string[]
  close(): Promise<void>
}

/** Starts the issuer; `audience` is that of its tokens. */
export async function startTokenIssuer(audience: () => string): Promise<TokenIssuer> {
  const keys: JWK[] = []
  let signing: { kid: string; alg: string; key: CryptoKey }
  const rotate = async (kid = `key-${keys.length + 1}`, alg = 'RS256'): Promise<void> => {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })
    signing = { kid, alg, key: privateKey }
  }
  await rotate()

  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url ?? '/', external.issuer)
    external.paths.push(pathname)
    const json = (body: object, status = 200): void =>
      void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const { issuer } = external
    if (pathname === '/.well-known/openid-configuration') {
      const endpoints = {
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        introspection_endpoint: `${issuer}/introspect`,
      }
      return json({ issuer, ...endpoints, response_types_supported: ['code'], ...external.metadata })
    }
    if (external.isAway) return json({ error: 'server_error' }, 500)
    if (pathname === '/keys') return json({ keys })
    if (pathname !== '/introspect') return json({ error: 'not_found' }, 404)
    const [, basic = ''] = (req.headers.authorization ?? '').split(' ')
    external.askedWith = decodeURIComponent(Buffer.from(basic, 'base64').toString().split(':')[1] ?? '')
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const token = new URLSearchParams(Buffer.concat(chunks).toString()).get('token') ?? ''
      json(external.opaque.get(token) ?? { active: false })
    })
  })
  const listening = await listen(server)

  const external: TokenIssuer = {
    issuer: listening.url,
    metadata: {},
    opaque: new Map(),
    askedWith: undefined,
    isAway: false,
    paths: [],
    rotate,
    token(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      const right = { iss: external.issuer, sub: 'u1', aud: audience(), azp: 'app', iat: now, exp: now + 300 }
      return new SignJWT({ ...right, ...claims })
        .setProtectedHeader({ alg: signing.alg, kid: signing.kid, typ: 'JWT', ...header })
        .sign(signing.key)
    },
    close: listening.close,
  }
  return external
}

/** Why a token is refused, or the status of what was admitted. */
export async function tryToken(gate: GatedSpy, token: string): Promise<string> {
  const { status, headers } = await gate.post(legacyRequest('tools/list'), { token })
  const reason = /error_description="([^"(]*?) \(request/.exec(headers.get('www-authenticate') ?? '')?.[1]
  return reason ?? String(status)
}
