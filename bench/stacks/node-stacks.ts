import { join } from 'node:path'
import type { Stack } from './contract.ts'

/** The least that a proxy in Node does: the baseline for everything else in Node. */
export const bare: Stack = program({
  id: 'bare',
  name: 'node:http + undici, proxy alone',
  does: 'forwards, knows no tokens',
  gate: false,
})

/** Fastify, its proxy plugin and jose. */
export const fastify: Stack = program({
  id: 'fastify',
  name: 'Fastify 5 + http-proxy + jose',
  does: 'verifies each token, looks at no body',
  gate: true,
})

/** Express, the middleware of the MCP SDK and http-proxy-middleware. */
export const express: Stack = program({
  id: 'express',
  name: 'Express 5 + SDK requireBearerAuth + http-proxy-middleware',
  does: 'verifies each token and one scope, looks at no body',
  gate: true,
})

/** A program in this folder, on the same Node as Portcullis, configured by its environment. */
function program(about: Omit<Stack, 'prepare'>): Stack {
  return {
    ...about,
    prepare: (setting, port) => ({
      program: process.execPath,
      args: [join(import.meta.dirname, `${about.id}.js`)],
      env: {
        PORT: String(port),
        UPSTREAM: `http://127.0.0.1:${setting.upstreamPort}`,
        ISSUER: setting.issuer,
        JWKS: setting.jwksUri,
        NODE_EXTRA_CA_CERTS: setting.keysCertificate,
        RESOURCE: setting.audience,
        ...(setting.tls === undefined
          ? {}
          : { TLS_CERTIFICATE: setting.tls.certificate, TLS_KEY: setting.tls.key }),
      },
    }),
  }
}
