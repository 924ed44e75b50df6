// Express, the bearer middleware of the MCP SDK and http-proxy-middleware: what the SDK's own examples lead to.
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { PORT, UPSTREAM, ISSUER, JWKS, RESOURCE } = process.env
const keys = createRemoteJWKSet(new URL(JWKS))
const verifier = {
  async verifyAccessToken(token) {
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: RESOURCE, typ: 'at+jwt' })
    return { token, clientId: payload.client_id, scopes: payload.scope.split(' '), expiresAt: payload.exp }
  },
}
const app = express()
app.use('/mcp', requireBearerAuth({ verifier, requiredScopes: ['mcp:tools:execute'] }))
app.use(
  '/mcp',
  createProxyMiddleware({
    target: `${UPSTREAM}/mcp`,
    on: { proxyReq: (request) => request.removeHeader('authorization') },
  }),
)
app.listen(Number(PORT), '127.0.0.1')
