/**
 * The first segments of the paths at which Portcullis itself answers, now or one day: no MCP server may stand in their
 * place. A test holds the list to what the authorization server answers.
 */
export const reservedSegments: ReadonlySet<string> = new Set([
  '.well-known',
  'account',
  'assets',
  'authorize',
  'device',
  'device_authorization',
  'gateway',
  'interaction',
  'introspect',
  'jwks',
  'login',
  'logout',
  'par',
  'register',
  'revoke',
  'session',
  'setup',
  // Where tenants are.
  't',
  'token',
])
