/**
 * The first segments of the paths that Portcullis itself serves, now or in the future: no MCP server may use
 * them. A test compares the list with what the authorization server serves.
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
  // The tenants.
  't',
  'token',
])
