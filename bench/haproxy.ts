import { writeFileSync } from 'node:fs'

interface HaproxyOptions {
  readonly port: number
  readonly upstreamPort: number
  /** PEM of the key that signs the tokens. */
  readonly keyFile: string
  readonly audience: string
  /** Whether a verified token is remembered, by its digest, in a stick table. */
  readonly cached: boolean
}

/** Writes an HAProxy configuration that does what a gateway does: signature, audience, expiry, method. */
export function writeHaproxyConfig(file: string, options: HaproxyOptions): void {
  const verify = [
    '  http-request set-var(txn.token) http_auth_bearer',
    `  http-request deny deny_status 401 unless { var(txn.token),jwt_verify("ES256","${options.keyFile}") 1 }`,
    `  http-request deny deny_status 401 unless { var(txn.token),jwt_payload_query('$.aud') -m str ${options.audience} }`,
  ]
  const known = '{ sc_http_req_cnt(0) gt 1 }'
  const cached = [
    '  http-request set-var(txn.digest) req.hdr(authorization),sha2(256),hex',
    '  http-request track-sc0 var(txn.digest) table seen',
    '  http-request set-var(txn.token) http_auth_bearer',
    `  http-request deny deny_status 401 if !${known} !{ var(txn.token),jwt_verify("ES256","${options.keyFile}") 1 }`,
    `  http-request deny deny_status 401 if !${known} !{ var(txn.token),jwt_payload_query('$.aud') -m str ${options.audience} }`,
  ]
  const lines = [
    'global',
    '  nbthread 1',
    'defaults',
    '  mode http',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    '  option http-buffer-request',
    '  option http-no-delay',
    'backend seen',
    '  stick-table type string len 64 size 100k expire 10m store http_req_cnt',
    'frontend gate',
    `  bind 127.0.0.1:${options.port}`,
    ...(options.cached ? cached : verify),
    `  http-request deny deny_status 403 unless { req.body,json_query('$.method') -m str tools/call }`,
    '  http-request del-header authorization',
    '  default_backend server',
    'backend server',
    `  server mcp 127.0.0.1:${options.upstreamPort} maxconn 1000`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
}
