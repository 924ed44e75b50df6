import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathOf } from '../harness/install.ts'
import type { Setting, Stack } from './contract.ts'

/**
 * HAProxy doing what a gateway does: checks signature, audience and expiry of each request, and the method.
 */
export const haproxyJwt: Stack = haproxy({
  id: 'haproxy-jwt',
  name: 'HAProxy, jwt_verify',
  does: 'verifies each token, looks at the method',
  cached: false,
})

/** The same, with verified tokens remembered by their digest in a stick table. */
export const haproxyCached: Stack = haproxy({
  id: 'haproxy-cached',
  name: 'HAProxy, verified once',
  does: 'remembers verified tokens, looks at the method',
  cached: true,
})

interface Variant extends Pick<Stack, 'id' | 'name' | 'does'> {
  readonly cached: boolean
}

/** A body is examined as a whole, and each connection has a buffer of this size. */
const bufferBytes = 16_384
const headRoom = 4096

function haproxy({ cached, ...about }: Variant): Stack {
  return {
    ...about,
    gate: true,
    lacks({ algorithm, bytes }) {
      if (algorithm === 'EdDSA') return 'jwt_verify knows no EdDSA'
      return bytes + headRoom > bufferBytes
        ? 'looks only at bodies that fit into its buffer of 16 KiB'
        : undefined
    },
    prepare(setting, port) {
      const file = join(setting.folder, 'haproxy.cfg')
      writeFileSync(file, `${configuration(setting, port, cached).join('\n')}\n`)
      return { program: pathOf('haproxy'), args: ['-f', file] }
    },
  }
}

function configuration(setting: Setting, port: number, cached: boolean): string[] {
  return [
    'global',
    '  nbthread 1',
    '  maxconn 9000',
    `  tune.bufsize ${bufferBytes}`,
    'defaults',
    '  mode http',
    '  timeout connect 5s',
    '  timeout client 600s',
    '  timeout server 600s',
    '  option http-buffer-request',
    '  option http-no-delay',
    '  http-reuse always',
    'backend seen',
    '  stick-table type string len 64 size 100k expire 10m store gpt0',
    'frontend gate',
    `  bind 127.0.0.1:${port}${setting.tls === undefined ? '' : ` ssl crt ${joinedPair(setting, setting.tls)}`}`,
    ...tokenRules(setting, cached),
    "  http-request deny deny_status 403 unless { req.body,json_query('$.method') -m str tools/call initialize subscriptions/listen }",
    '  http-request del-header authorization',
    '  default_backend server',
    'backend server',
    `  server mcp 127.0.0.1:${setting.upstreamPort} maxconn 9000`,
  ]
}

/** If verified tokens are remembered, the entry of a token contains its expiry. */
function tokenRules({ algorithm, publicKeyFile, audience }: Setting, cached: boolean): string[] {
  const unless = cached ? '!{ sc_get_gpt0(0),sub(txn.now) gt 0 } ' : ''
  const deny = `  http-request deny deny_status 401 if ${unless}`
  const remember = [
    '  http-request set-var(txn.digest) req.hdr(authorization),sha2(256),hex',
    '  http-request track-sc0 var(txn.digest) table seen',
  ]
  return [
    '  http-request set-var(txn.token) http_auth_bearer',
    '  http-request set-var(txn.now) date()',
    ...(cached ? remember : []),
    `${deny}!{ var(txn.token),jwt_verify("${algorithm}","${publicKeyFile}") 1 }`,
    `${deny}!{ var(txn.token),jwt_payload_query('$.aud') -m str ${audience} }`,
    `${deny}{ var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now) lt 0 }`,
    ...(cached
      ? [`  http-request sc-set-gpt0(0) var(txn.token),jwt_payload_query('$.exp','int') if ${unless}`]
      : []),
  ]
}

/** HAProxy requires certificate and key in one file. */
function joinedPair({ folder }: Setting, { certificate, key }: { certificate: string; key: string }): string {
  const file = join(folder, 'haproxy.pem')
  writeFileSync(file, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 })
  return file
}
