const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'Accept',
  'DPoP',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Session-Id',
  'Last-Event-ID',
]
const exposedHeaders =
  'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, Retry-After, X-Request-Id, DPoP-Nonce'
const preflightSeconds = '7200'
const maxParamHeaders = 32

/**
 * The headers, alternating names and values, that let the page at a checked origin read a response (Fetch,
 * CORS). Without a page there is only what tells a cache not to give the response to one.
 */
export function corsHeaders(origin: string | undefined): readonly string[] {
  if (origin === undefined) return ['Vary', 'Origin']
  return [
    'Access-Control-Allow-Origin',
    origin,
    'Access-Control-Expose-Headers',
    exposedHeaders,
    'Vary',
    'Origin',
  ]
}

/**
 * The headers that answer a preflight. `requested` is the client's untrusted
 * `Access-Control-Request-Headers`; from it, any `Mcp-Param-*` names are allowed, since tools define them.
 */
export function preflightHeaders(methods: string, requested: string | undefined): readonly string[] {
  const params = (requested ?? '').split(',').flatMap((name) => {
    const trimmed = name.trim()
    return /^mcp-param-[\w!#$%&'*+.^`|~-]{1,64}$/i.test(trimmed) ? [trimmed] : []
  })
  return [
    'Access-Control-Allow-Methods',
    methods,
    'Access-Control-Allow-Headers',
    [...allowedHeaders, ...params.slice(0, maxParamHeaders)].join(', '),
    'Access-Control-Max-Age',
    preflightSeconds,
  ]
}
