/**
 * The comparison for `npm run bench:as`: unmodified oidc-provider, with its own in-memory store and its own
 * pages, for the same client, keys and flows. Arguments: port, path of a file with the private JWK, and, if
 * it is to keep what it issues as a server must, the path of an SQLite database or the URL of a PostgreSQL
 * one.
 */
import { readFileSync } from 'node:fs'
import { Provider } from 'oidc-provider'
import { plainPostgres, plainSqlite } from './plain-store.ts'

const [port, keyFile, store] = process.argv.slice(2) as [string, string, string | undefined]
const adapter =
  store === undefined ? undefined : await (store.includes('://') ? plainPostgres(store) : plainSqlite(store))
const issuer = `http://127.0.0.1:${port}`

const provider = new Provider(issuer, {
  ...(adapter === undefined ? {} : { adapter }),
  jwks: { keys: [JSON.parse(readFileSync(keyFile, 'utf8')) as never] },
  scopes: ['openid'],
  clients: [
    {
      client_id: 'user-client',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1:1/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
    },
    {
      client_id: 'machine',
      client_secret: 'machine-secret-of-the-bench',
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [],
      grant_types: ['client_credentials'],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  issueRefreshToken: async () => true,
  expiresWithSession: async () => false,
  findAccount: async (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  cookies: { keys: ['a key for the bench'] },
  routes: { authorization: '/authorize', token: '/token' },
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: async () => true,
      defaultResource: async () => `${issuer}/mcp`,
      getResourceServerInfo: async () => ({
        scope: 'mcp:tools:read',
        audience: `${issuer}/mcp`,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt' as const,
        jwt: { sign: { alg: 'ES256' as const } },
      }),
    },
  },
})

provider.listen(Number(port), '127.0.0.1')

process.once('SIGTERM', () => process.exit())
