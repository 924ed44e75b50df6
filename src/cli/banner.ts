import { resolve } from 'node:path'
import type { Running } from '../app.ts'
import type { RunningCertificate } from '../compose/listeners.ts'
import type { RunningTenant } from '../compose/tenants.ts'
import type { Config } from '../config/schema.ts'
import type { PlaceFlags } from './flags.ts'
import { quoteWord } from './quote-word.ts'

/** Tells people what is running where and what to do next. */
export function describeRunning(
  running: Running,
  dashboardLink: string | undefined,
  extra: readonly (readonly [string, string])[] = [],
): string {
  const { urls, publicUrl, resources, certificate } = running
  const rows: (readonly [string, string])[] = [
    ...(urls.gateway === undefined ? [] : [['gateway', `${publicUrl}  (the only public port)`] as const]),
    ...(certificate === undefined ? [] : [['  certificate', describeCertificate(certificate)] as const]),
    ...resources.map(({ name, resource }) => [`  ${name}`, resource] as const),
    ...running.tenants().flatMap(describeTenant),
    ...(urls['authorization-server'] === undefined
      ? []
      : [['authorization server', `${urls['authorization-server']}  (behind the gateway)`] as const]),
    ...extra,
    ...(urls.admin === undefined ? [] : [['admin', `${urls.admin}/healthz  /readyz  /metrics`] as const]),
    ...(dashboardLink === undefined ? [] : [['  dashboard', `${dashboardLink}  (works once)`] as const]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return [
    '',
    'Portcullis is ready.',
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`),
    '',
  ].join('\n')
}

function describeTenant({ name, publicUrl, resources }: RunningTenant): (readonly [string, string])[] {
  return [[`tenant ${name}`, publicUrl], ...resources.map((one) => [`  ${one.name}`, one.resource] as const)]
}

function describeCertificate({ file, validUntil }: RunningCertificate): string {
  return `${file}, valid until ${new Date(validUntil).toISOString().slice(0, 10)}`
}

/** What to try next. Tokens without a sign-in exist only in development mode. */
export function nextHints(running: Running, { mode }: Pick<Config, 'mode'>, flags: PlaceFlags): string {
  return inspectorHint(running) + (mode === 'development' ? tokenHint(flags) : '')
}

/** The next command to try: MCP Inspector with the first server behind the gateway. */
function inspectorHint({ resources: [first] }: Running): string {
  if (first === undefined) return ''
  const command = `npx @modelcontextprotocol/inspector@latest --web --transport http --server-url ${first.resource}`
  return `\nNext, in another terminal:\n\n  ${command}\n`
}

/** How to get a token from the same installation; a flag that selected it has to be given again. */
function tokenHint({ data }: Pick<PlaceFlags, 'data'>): string {
  const flags = data === undefined ? '' : ` --data ${quoteWord(data)}`
  return `\nWithout a browser:\n\n  npx portcullis token --scope "mcp:*"${flags}\n`
}

/**
 * Tells on standard error where the first user of an installation without a file and without users is created.
 */
export function tellOfSetUp({ setUpLink }: Running, { store, data }: Pick<Config, 'store' | 'data'>): void {
  if (setUpLink === undefined) return
  console.error(setUpHint(setUpLink, { file: undefined, data: store.url === undefined ? data : undefined }))
}

/** What a command has to be told to find the installation. */
interface Told {
  /** The configuration file, if one was given. */
  readonly file: string | undefined
  /** The data folder, if it contains the store. */
  readonly data: string | undefined
  readonly tenant?: string
}

/**
 * Tells the operator of an installation without users where the first one is created. Never written to the
 * log. Its command has the same effect in every folder.
 */
export function setUpHint(link: string, { file, data, tenant }: Told): string {
  const of = tenant === undefined ? '' : ` of ${tenant}`
  const flags = [
    ...(tenant === undefined ? [] : ['--tenant', tenant]),
    ...(file === undefined ? [] : ['-c', quoteWord(resolve(file))]),
    ...(data === undefined ? [] : ['--data', quoteWord(resolve(data))]),
  ]
  return [
    '',
    `There are no users${of} yet. Create the first one here, within the hour:`,
    '',
    `  ${link}`,
    '',
    `or with: ${['portcullis user add NAME', ...flags].join(' ')}`,
    '',
  ].join('\n')
}
