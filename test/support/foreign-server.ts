import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { errors, Provider } from 'oidc-provider'
import { FormBrowser } from './form-browser.ts'
import { freePort } from './installation.ts'
import { challengeOf } from './oauth.ts'

/** The behaviour of a company's authorization server that knows nothing of MCP. */
export interface Behaviour {
  /** The value of `aud`, whatever the client requests. */
  readonly audience: string
  /** How it treats the parameter `resource` with the URL of an MCP server. */
  readonly resource: 'refused' | 'ignored'
  /** Whether its metadata says that it supports PKCE, which it does. */
  readonly announcesPkce: boolean
  /** Changes the claims of access tokens. */
  readonly claims: (claims: Record<string, unknown>) => Record<string, unknown>
}

/**
 * Entra: the client ID of the API as audience, scopes in `scp`, no parameter `resource`, no mention of PKCE.
 */
export const entraLike: Behaviour = {
  audience: '66666666-7777-8888-9999-000000000000',
  resource: 'refused',
  announcesPkce: false,
  claims: ({ scope: _, client_id: azp, ...claims }) => ({
    ...claims,
    azp,
    scp: 'Mcp.Use',
    tid: 'a-tenant',
    ver: '2.0',
  }),
}

/** Keycloak: its own audience, the kind of a token inside, roles of the realm. */
export const keycloakLike: Behaviour = {
  audience: 'account',
  resource: 'ignored',
  announcesPkce: true,
  claims: ({ client_id: azp, ...claims }) => ({
    ...claims,
    azp,
    typ: 'Bearer',
    realm_access: { roles: ['mcp-user', 'offline_access'] },
  }),
}

/** A third party's authorization server, for the client `portcullis`. */
export interface ForeignServer {
  readonly issuer: string
  /** Does what the browser of a user who is signed in there would: goes to the callback. */
  authorize(url: URL): Promise<URL>
  /**
   * Requests a code as a client of that server does, with further parameters. Resolves to where it receives
   * the answer.
   */
  ask(also?: Readonly<Record<string, string>>): Promise<URL>
  /** An access token as a client of that server gets it. */
  token(): Promise<string>
  close(): Promise<void>
}

/** Starts it, on oidc-provider in a separate instance, without registration. */
export async function startForeignServer(
  { audience, resource: handling, announcesPkce, claims }: Behaviour,
  redirectUri: string,
): Promise<ForeignServer> {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), kid: 'foreign', alg: 'RS256', use: 'sig' }
  const provider = new Provider(issuer, {
    jwks: { keys: [jwk] },
    clients: [
      {
        client_id: 'portcullis',
        client_secret: 'a-secret',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    scopes: ['openid', 'offline_access', 'Mcp.Use'],
    claims: { openid: ['sub', 'name', 'email', 'email_verified', 'groups'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ['a key of the tests'] },
    findAccount: (_context, accountId) => ({
      accountId,
      claims: async () => ({
        sub: accountId,
        name: 'Katherine Johnson',
        email: 'katherine@example.com',
        email_verified: true,
        groups: ['staff'],
      }),
    }),
    issueRefreshToken: async () => true,
    async loadExistingGrant({ oidc }) {
      const { client, session } = oidc
      const grant = new provider.Grant({
        clientId: client?.clientId ?? '',
        accountId: session?.accountId ?? '',
      })
      grant.addOIDCScope('openid offline_access Mcp.Use')
      grant.addResourceScope('urn:api', 'Mcp.Use')
      await grant.save()
      return grant
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    formats: {
      customizers: {
        jwt(_context, _token, parts) {
          parts.header = { ...parts.header, typ: 'JWT' }
          parts.payload = claims(parts.payload)
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:api',
        useGrantedResource: () => true,
        getResourceServerInfo(_context, resource) {
          if (resource !== 'urn:api')
            throw new errors.InvalidTarget('AADSTS9010010: the resource is not known')
          return { scope: 'Mcp.Use', audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }
        },
      },
    },
  })
  provider.use(async (context, next) => {
    await next()
    if (context.path === '/.well-known/openid-configuration' && !announcesPkce)
      delete (context.body as Record<string, unknown>)['code_challenge_methods_supported']
  })
  const handle = provider.callback()
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (handling === 'ignored') {
      const url = new URL(req.url ?? '/', issuer)
      url.searchParams.delete('resource')
      req.url = url.pathname + url.search
    }
    if (req.url?.startsWith('/interaction/') !== true) return handle(req, res)
    await provider.interactionFinished(req, res, { login: { accountId: 'katherine' }, consent: {} })
  }
  const server = createServer((req, res) => void serve(req, res))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))

  const authorize = async (url: URL): Promise<URL> => {
    const browser = new FormBrowser()
    const callback = await browser.visit(url.href)
    if (callback === undefined) throw new Error(browser.lastPage.html)
    return callback
  }
  const verifier = 'v'.repeat(43)
  const ask = (also: Readonly<Record<string, string>> = {}): Promise<URL> => {
    const parameters = new URLSearchParams({
      client_id: 'portcullis',
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid Mcp.Use',
      code_challenge: challengeOf(verifier),
      code_challenge_method: 'S256',
      ...also,
    })
    return authorize(new URL(`${issuer}/auth?${parameters.toString()}`))
  }
  return {
    issuer,
    authorize,
    ask,
    async token() {
      const callback = await ask()
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('portcullis:a-secret').toString('base64')}` },
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          code: callback.searchParams.get('code') ?? '',
          redirect_uri: redirectUri,
          code_verifier: verifier,
        }),
      })
      const { access_token: token = '', ...rest } = (await answer.json()) as { access_token?: string }
      if (token === '') throw new Error(JSON.stringify(rest))
      return token
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
