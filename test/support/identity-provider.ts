import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { listen } from './listen.ts'
import { challengeOf } from './oauth.ts'

/** One request to the token endpoint, by its parameters. */
export type TokenRequest = Readonly<Record<string, string>>

/** A third party's identity provider, each part of which can be made wrong. */
export interface TestProvider {
  readonly issuer: string
  /** What it says of the user at the browser. */
  person: Record<string, unknown>
  /** Overrides of the correct metadata. */
  metadata: Record<string, unknown>
  /** Overrides of the correct ID tokens, and of their headers. */
  idToken: Record<string, unknown>
  header: Record<string, unknown>
  /** Whether ID tokens and signed userinfo are signed with a key that it does not publish. */
  forges: boolean
  /** What the userinfo endpoint says; undefined if there is none. */
  userinfo: Record<string, unknown> | undefined
  /** Whether the userinfo endpoint answers with a JWT. */
  signsUserinfo: boolean
  /** The status with which the userinfo endpoint refuses to answer; undefined if it does answer. */
  userinfoFails: 401 | 503 | undefined
  /** Whether refreshed tokens include an ID token. */
  provesAnew: boolean
  /** Answers the token endpoint instead of the correct answer. */
  answer: ((request: TokenRequest, res: ServerResponse) => void) | undefined
  /** The secret that the token endpoint requires; undefined for any. */
  secret: string | undefined
  /** Whether it issues refresh tokens. */
  givesRefreshTokens: boolean
  readonly tokenRequests: TokenRequest[]
  /** The paths of all requests. */
  readonly paths: string[]
  /** Does what the user's browser would: takes an authorization URL to the callback. */
  authorize(url: URL, also?: Readonly<Record<string, string>>): URL
  /** Ends a user's grant: their refresh token is no longer valid. */
  revoke(): void
  close(): Promise<void>
}

/** Starts the provider. `name` distinguishes its tokens. */
export async function startIdentityProvider(name = 'idp'): Promise<TestProvider> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const stranger = await generateKeyPair('ES256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: name, alg: 'ES256', use: 'sig' }]
  const codes = new Map<string, { nonce: string | null; challenge: string | null }>()
  const refreshTokens = new Set<string>()

  const sign = (token: SignJWT): Promise<string> =>
    token
      .setProtectedHeader({ alg: 'ES256', kid: name, ...provider.header })
      .sign(provider.forges ? stranger.privateKey : privateKey)

  const giveTokens = async (request: TokenRequest, res: ServerResponse): Promise<void> => {
    const send = (status: number, body: object): void =>
      void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const { grant_type: grant, code = '', code_verifier: verifier = '', refresh_token: old = '' } = request
    const begun = codes.get(code)
    if (grant === 'authorization_code') {
      codes.delete(code)
      if (begun === undefined || begun.challenge !== challengeOf(verifier))
        return send(400, { error: 'invalid_grant' })
    } else if (!refreshTokens.delete(old)) return send(400, { error: 'invalid_grant' })
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: provider.issuer, aud: 'portcullis', iat: now, exp: now + 300, nonce: begun?.nonce }
    const token = new SignJWT({ ...claims, ...provider.person, ...provider.idToken })
    const idToken = await sign(token)
    const refreshToken = `${name}-refresh-${randomUUID()}`
    if (provider.givesRefreshTokens) refreshTokens.add(refreshToken)
    send(200, {
      access_token: `${name}-access-${randomUUID()}`,
      token_type: 'Bearer',
      expires_in: 300,
      ...(grant === 'authorization_code' || provider.provesAnew ? { id_token: idToken } : {}),
      ...(provider.givesRefreshTokens ? { refresh_token: refreshToken } : {}),
    })
  }

  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { pathname } = new URL(req.url ?? '/', provider.issuer)
    provider.paths.push(pathname)
    const json = (body: object): void =>
      void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (pathname === '/.well-known/openid-configuration') {
      const { issuer } = provider
      return json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
        end_session_endpoint: `${issuer}/logout`,
        ...(provider.userinfo === undefined ? {} : { userinfo_endpoint: `${issuer}/userinfo` }),
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        userinfo_signing_alg_values_supported: ['ES256'],
        token_endpoint_auth_methods_supported: ['client_secret_basic'],
        ...provider.metadata,
      })
    }
    if (pathname === '/keys') return json({ keys })
    if (pathname === '/userinfo' && provider.userinfoFails !== undefined) {
      const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
      return void res.writeHead(provider.userinfoFails, provider.userinfoFails === 401 ? challenge : {}).end()
    }
    if (pathname === '/userinfo' && provider.signsUserinfo) {
      const signed = await sign(new SignJWT(provider.userinfo))
      return void res.writeHead(200, { 'content-type': 'application/jwt' }).end(signed)
    }
    if (pathname === '/userinfo') return json(provider.userinfo ?? {})
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const request = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()))
    provider.tokenRequests.push(request)
    const [, given = ''] = Buffer.from(req.headers.authorization?.slice('Basic '.length) ?? '', 'base64')
      .toString()
      .split(':')
    if (provider.secret !== undefined && given !== provider.secret)
      res.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"invalid_client"}')
    else if (provider.answer === undefined) await giveTokens(request, res)
    else provider.answer(request, res)
  }
  const server = createServer((req, res) => void serve(req, res))
  const listening = await listen(server)

  const provider: TestProvider = {
    issuer: listening.url,
    person: { sub: 'alice', name: 'Alice Liddell', email: 'alice@example.com', email_verified: true },
    metadata: {},
    idToken: {},
    header: {},
    forges: false,
    userinfo: undefined,
    signsUserinfo: false,
    userinfoFails: undefined,
    provesAnew: true,
    answer: undefined,
    secret: undefined,
    givesRefreshTokens: true,
    tokenRequests: [],
    paths: [],
    authorize(url, also = {}) {
      const code = randomUUID()
      const asked = url.searchParams
      codes.set(code, { nonce: asked.get('nonce'), challenge: asked.get('code_challenge') })
      const callback = new URL(asked.get('redirect_uri') ?? '')
      const answer = { code, state: asked.get('state') ?? '', ...also }
      for (const [key, value] of Object.entries(answer)) callback.searchParams.set(key, value)
      return callback
    },
    revoke: () => refreshTokens.clear(),
    close: listening.close,
  }
  return provider
}

/** The setting of a provider in `login.providers`. */
export function providerSetting({ issuer }: TestProvider, name = 'idp') {
  return { name, label: 'the company', issuer, clientId: 'portcullis', clientSecret: 'provider-secret' }
}
