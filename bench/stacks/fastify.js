// Fastify, jose and its proxy plugin: verifies each token, looks at the method, forwards.
import proxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { PORT, UPSTREAM, ISSUER, JWKS, RESOURCE } = process.env
const keys = createRemoteJWKSet(new URL(JWKS))
const app = Fastify()
app.register(proxy, {
  upstream: UPSTREAM,
  prefix: '/mcp',
  rewritePrefix: '/mcp',
  preHandler: async (request, reply) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: RESOURCE, typ: 'at+jwt' })
      request.scopes = String(payload.scope).split(' ')
    } catch {
      return reply.code(401).send()
    }
    delete request.raw.headers.authorization
  },
})
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
