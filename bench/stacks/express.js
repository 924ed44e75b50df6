// Express, the bearer middleware of the MCP SDK and http-proxy-middleware: what the SDK's own examples lead to.
import { Agent, createServer } from 'node:http'
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { listen } from './listen.js'

const { UPSTREAM, ISSUER, JWKS, RESOURCE } = process.env
const keys = createRemoteJWKSet(new URL(JWKS))
const verifier = {
  async verifyAccessToken(token) {
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: RESOURCE, typ: 'at+jwt' })
      return { token, clientId: payload.client_id, scopes: payload.scope.split(' '), expiresAt: payload.exp }
    } catch (error) {
      throw new InvalidTokenError(error.message)
    }
  },
}
const app = express()
app.use('/mcp', requireBearerAuth({ verifier, requiredScopes: ['mcp:tools:execute'] }))
app.use(
  '/mcp',
  createProxyMiddleware({
    target: `${UPSTREAM}/mcp`,
    agent: new Agent({ keepAlive: true }),
    on: { proxyReq: (request) => request.removeHeader('authorization') },
  }),
)
listen(createServer, app)
