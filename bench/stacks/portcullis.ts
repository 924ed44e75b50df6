import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigInput } from '../../src/config/schema.ts'
import type { Setting, Stack } from './contract.ts'

/** The command line of Portcullis. */
export const portcullisProgram = join(import.meta.dirname, '../../bin/portcullis.js')

/** A high number, so that a limit is counted but never reached. */
const unmet = 10_000_000

/** The four servers of the demo, which do not accept tokens of the benchmark. */
export const portcullisDemo: Stack = {
  id: 'portcullis-demo',
  name: 'Portcullis, demo',
  does: 'four servers, with a new store and new keys',
  gate: true,
  readyAt: '/.well-known/oauth-authorization-server',
  prepare: ({ folder }, port) => ({
    program: process.execPath,
    args: [portcullisProgram, 'demo', '--port', String(port), '--data', join(folder, 'data')],
  }),
}

/** What a variant has more, or less. */
interface Difference {
  /** Policies in Cedar, beside rules. */
  readonly policies?: string
  readonly log?: true
  readonly audit?: true
  readonly rates?: true
  readonly rules?: true
  readonly identity?: true
  readonly breaker?: true
  readonly dpop?: true
}

/**
 * Everything that a gateway in production has: token, scopes, body, rules, rates, log, audit, metrics,
 * streams.
 */
export const portcullis: Stack = variant({
  id: 'portcullis',
  name: 'Portcullis',
  does: 'everything on: token, scopes, rules, rates, log, audit, metrics, a token for the server',
})

/**
 * With one feature removed at a time, then with all that can be. Nothing else can be switched off, since it
 * is essential.
 */
export const reducedPortcullis: readonly Stack[] = [
  without('log', { log: true }, 'no line for each request'),
  without('audit on disk', { audit: true }, 'the audit is written, but to no disk'),
  without('rates', { rates: true }, 'no requests are counted by the minute'),
  without('rules', { rules: true }, 'no rules on tools, resources and prompts'),
  without('identity token', { identity: true }, 'the server is told nothing of who calls'),
  without('breaker', { breaker: true }, 'nothing watches whether the server is down'),
  without('DPoP', { dpop: true }, 'tokens that are bound to a key are not offered'),
  without(
    'all of these',
    { log: true, audit: true, rates: true, rules: true, identity: true, breaker: true, dpop: true },
    'token, scopes, body, metrics, running requests, streams: what cannot be taken away',
  ),
]

/** With policies, which are off unless somebody writes some. */
export const portcullisWithPolicies: readonly Stack[] = [
  withPolicies('on callers', 'permit(principal, action, resource in Server::"bench");'),
  withPolicies(
    'on arguments',
    'permit(principal, action == Action::"tools/call", resource in Server::"bench") unless { context.arguments has forbidden };',
  ),
]

function withPolicies(what: string, policies: string): Stack {
  const id = `portcullis-with-policies-${what.replaceAll(' ', '-')}`
  const does = `one policy ${what} in addition`
  return variant({ id, name: `Portcullis with policies ${what}`, does }, { policies })
}

function without(what: string, left: Difference, does: string): Stack {
  const id = `portcullis-without-${what.toLowerCase().replaceAll(' ', '-')}`
  return variant({ id, name: `Portcullis without ${what}`, does }, left)
}

function variant(about: Pick<Stack, 'id' | 'name' | 'does'>, left: Difference = {}): Stack {
  return {
    ...about,
    gate: true,
    prepare: (setting, port) => ({
      program: process.execPath,
      args: [portcullisProgram, 'serve', '-c', writeConfig(setting, port, left)],
      env: { NODE_EXTRA_CA_CERTS: setting.keysCertificate },
    }),
  }
}

/** A folder that is not on a disk, for as long as the benchmark runs. */
function inMemory(): string {
  const folder = mkdtempSync('/dev/shm/portcullis-bench-')
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes the configuration of a gate into the folder of the setting. */
function writeConfig(setting: Setting, port: number, left: Difference): string {
  const { folder, tls, issuer, jwksUri, audience, upstreamPort } = setting
  const config: ConfigInput = {
    mode: 'production',
    publicUrl: new URL(audience).origin,
    allowedHosts: [`127.0.0.1:${port}`],
    data: join(folder, 'data'),
    listen: { gateway: port, authorizationServer: 0, admin: 0, tls },
    login: { users: 'none' },
    log: { level: left.log ? 'warn' : 'info' },
    ...(left.audit ? { audit: { folder: inMemory() } } : {}),
    ...(left.rates ? {} : { limits: { perMinute: unmet, perMinutePerClient: unmet } }),
    issuers: [{ issuer, jwksUri }],
    ...(left.policies === undefined ? {} : { policies: [writePolicies(folder, left.policies)] }),
    upstreams: [
      {
        name: 'bench',
        url: `http://127.0.0.1:${upstreamPort}/mcp`,
        transport: 'streamable-http',
        era: 'both',
        credential: left.identity ? 'none' : 'identity',
        dpop: left.dpop ? 'off' : 'optional',
        ...(left.breaker ? { breaker: { failures: 0 } } : {}),
        ...(left.rules
          ? {}
          : { objects: { tools: { deny: ['delete_*'] }, resources: { allow: ['bench://*'] } } }),
        ...(left.rates ? {} : { limits: { perMinute: unmet, toolsPerMinute: { '*': unmet } } }),
      },
    ],
  }
  const file = join(folder, 'portcullis.json')
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return file
}

function writePolicies(folder: string, policies: string): string {
  const file = join(folder, 'policies.cedar')
  writeFileSync(file, policies)
  return file
}
