// Fastify, jose and its proxy plugin: verifies each token, forwards.
import proxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { tls } from './listen.js'

const { PORT, UPSTREAM, ISSUER, JWKS, RESOURCE } = process.env
const keys = createRemoteJWKSet(new URL(JWKS))
const app = Fastify({ bodyLimit: 4 << 20, ...(tls === undefined ? {} : { https: tls }) })
app.register(proxy, {
  upstream: UPSTREAM,
  prefix: '/mcp',
  rewritePrefix: '/mcp',
  // It would hold 128 connections, and so 128 streams.
  undici: { connections: 20_000, pipelining: 1 },
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
