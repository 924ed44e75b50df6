/**
 * `npm run bench:audit`: how long `portcullis audit verify` takes for a trail such as servers write: events
 * of two days from four processes, in several files, with one signature per minute.
 * Options: --events N (1000000), --limit SECONDS (30; exits with 1 beyond it)
 */
import { spawn } from 'node:child_process'
import { KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import type { AuditEvent } from '../src/audit/event.ts'
import { filePaths } from '../src/audit/files.ts'
import { openTrail } from '../src/audit/trail.ts'
import { orExplain, readFlags, readNumber, readWhole } from '../test/support/command-line.ts'
import { ownMicroseconds } from './process-usage.ts'

const { events, limit } = orExplain(() => {
  const flags = readFlags({
    events: { type: 'string', default: '1000000' },
    limit: { type: 'string', default: '30' },
  })
  return { events: readWhole('events', flags.events), limit: readNumber('limit', flags.limit, 0, 86_400) }
})
const chains = 4
const fileBytes = 20 * 1024 * 1024
const spanMilliseconds = 2 * 24 * 3600 * 1000
/** How many are written per turn of the event loop, as under load. */
const burst = 50

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-audit-'))
try {
  const keys = join(folder, 'keys.json')
  const trail = join(folder, 'audit')
  await writeTrail(trail, keys)
  const paths = filePaths(trail)
  const megabytes = paths.reduce((sum, path) => sum + statSync(path).size, 0) / 1e6
  console.log(
    `${events} events in ${paths.length} files, ${Math.round(megabytes)} MB, on ${cpus()[0]?.model}`,
  )
  const [began, cpuBegan] = [performance.now(), ownMicroseconds()]
  const verified = await verify(trail, keys)
  const seconds = (performance.now() - began) / 1000
  const cpuSeconds = (ownMicroseconds() - cpuBegan) / 1e6
  console.log(
    `verified ${verified.events} events in ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU`,
  )
  if (verified.findings > 0 || verified.events < events) throw new Error('the trail did not verify')
  if (seconds > limit) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

/** Writes what a gateway writes, with the same code. */
async function writeTrail(to: string, keysFile: string): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench' }
  writeFileSync(keysFile, JSON.stringify({ keys: [jwk] }))
  const signer = { kid: 'bench', key: KeyObject.from(privateKey) }
  let now = Date.UTC(2026, 0, 1)
  const open = () =>
    openTrail({
      folder: to,
      fileBytes,
      checkpointSeconds: 60,
      whenUnwritable: 'continue',
      signer: () => signer,
      clock: { now: () => now },
      onFault: (error) => {
        throw error
      },
    })
  const trails = Array.from({ length: chains }, open)
  for (let made = 0; made < events; made++) {
    now = Date.UTC(2026, 0, 1) + Math.floor((spanMilliseconds * made) / events)
    trails[made % chains]?.record(someCall(made))
    if (made % burst === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const trail of trails) await trail.close()
}

/** An event as it results from `tools/call`, with all members. */
function someCall(index: number): AuditEvent {
  const user = index % 997
  return {
    event: 'mcp.call',
    outcome: index % 50 === 0 ? 'denied' : 'allowed',
    requestId: `request-${index.toString().padStart(16, '0')}`,
    address: `10.0.${user % 200}.${user % 251}`,
    issuer: 'https://mcp.example.com',
    subject: `usr_${user.toString().padStart(20, '0')}`,
    clientId: `https://client-${user % 13}.example.com/client.json`,
    grant: `grant-${user.toString().padStart(24, '0')}`,
    upstream: ['files', 'mail', 'crm'][index % 3],
    era: 'legacy',
    method: 'tools/call',
    object: `tool_${index % 40}`,
    scopes: ['mcp:tools:execute'],
    httpMethod: 'POST',
    path: '/files/mcp',
  }
}

/** Runs the command as an operator does. */
async function verify(
  trail: string,
  keys: string,
): Promise<{ readonly events: number; readonly findings: number }> {
  const program = join(import.meta.dirname, '../bin/portcullis.js')
  const child = spawn(process.execPath, [program, 'audit', 'verify', '--keys', keys, '--json', trail], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await new Promise((resolve) => child.once('close', resolve))
  const [result] = JSON.parse(output) as { events: number; findings: unknown[] }[]
  return { events: result?.events ?? 0, findings: result?.findings.length ?? 1 }
}
