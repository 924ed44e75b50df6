import { text } from 'node:stream/consumers'
import { Command, InvalidArgumentError, Option } from 'commander'
import { doctorSecretVariable } from '../config/reading/environment.ts'
import { createAsk } from '../doctor/ask.ts'
import type { Credentials, Finding, Visit } from '../doctor/contract.ts'
import { examine } from '../doctor/examine.ts'
import { countMarks, renderEnd, renderFinding } from '../doctor/print.ts'
import { findProfile, profiles } from '../doctor/profiles.ts'
import { createReport } from '../doctor/report.ts'
import { eraOf, isRevision, type Revision } from '../mcp/revisions.ts'
import { version } from '../version.ts'
import { DoctorMisused } from './doctor-misused.ts'
import { readFile } from './read-file.ts'
import { parsePort, wholeNumber } from './whole-number.ts'

/** A shorter value in a query, such as `http`, is no key, but may be a word that the report needs. */
const shortestKey = 8

interface DoctorFlags {
  readonly as: string
  readonly revision?: Revision
  readonly registration: 'auto' | 'document' | 'dynamic'
  readonly login?: boolean
  readonly token?: string
  readonly foreignToken?: string
  readonly clientId?: string
  readonly clientSecret?: string
  readonly callbackPort?: number
  readonly timeout: number
  readonly loginTimeout: number
  readonly json?: boolean
}

const totalMs = 120_000
const bodyBytes = 1024 * 1024

/** `portcullis doctor`: acts as a client of any MCP server with OAuth, and reports what is wrong. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Connect to an MCP server with OAuth as a named client would, and say what fails, why, and what to do.',
    )
    .argument('<url>', 'URL of the MCP server, as users enter it', parseUrl)
    .addOption(
      new Option('--as <client>', 'the client to stand in for')
        .choices(Object.keys(profiles))
        .default('inspector'),
    )
    .option(
      '--revision <date>',
      'MCP revision to speak instead of the one that the client uses',
      parseRevision,
    )
    .addOption(
      new Option('--registration <way>', 'how to get a client id')
        .choices(['auto', 'document', 'dynamic'])
        .default('auto'),
    )
    .option('--login', 'let a user sign in, and continue with the tokens')
    .option('--token <file>', 'continue with an access token from a file, or from standard input with -')
    .option('--foreign-token <file>', 'an access token for another server, which must be refused')
    .option('--client-id <id>', 'a client that the server already knows', parseGiven)
    .addOption(
      new Option('--client-secret <secret>', 'its secret; without --login or --token, for client_credentials')
        .env(doctorSecretVariable)
        .argParser(parseGiven),
    )
    .option('--callback-port <number>', 'where to listen for the answer of the sign-in', parsePort)
    .option('--timeout <seconds>', 'for each request', wholeNumber(1, 60), 10)
    .option('--login-timeout <seconds>', 'how long to wait for the user', wholeNumber(1, 3600), 300)
    .option('--json', 'print one JSON document for programs')
    .action(async (endpoint: URL, flags: DoctorFlags) => {
      const findings = await runDoctor(endpoint, flags)
      process.exitCode = countMarks(findings).failed > 0 ? 1 : 0
    })
}

async function runDoctor(endpoint: URL, flags: DoctorFlags): Promise<readonly Finding[]> {
  const profile = findProfile(flags.as)
  if (profile === undefined) throw new DoctorMisused(`no client is called ${flags.as}`)
  const revision = flags.revision ?? profile.revision
  const credentials = await readCredentials(flags)
  const show = (line: string): void => (flags.json === true ? console.error(line) : console.log(line))
  const url = endpoint.origin + endpoint.pathname
  if (flags.json !== true) console.log(`${url} as ${profile.title}, MCP ${revision}`)
  let stage = ''
  const report = createReport((finding) => {
    if (flags.json === true || finding.mark === 'skipped') return
    if (finding.stage !== stage) console.log(`\n${finding.stage}`)
    stage = finding.stage
    console.log(renderFinding(finding))
  })
  // Some servers have a key in the query of their URL.
  report.hide(endpoint.search.slice(1))
  for (const value of endpoint.searchParams.values()) if (value.length >= shortestKey) report.hide(value)
  if (credentials.kind === 'token') report.hide(credentials.token)
  if (flags.clientSecret !== undefined) report.hide(flags.clientSecret)
  const foreignToken = flags.foreignToken === undefined ? undefined : await readToken(flags.foreignToken)
  if (foreignToken !== undefined) report.hide(foreignToken)
  const visit: Visit = {
    endpoint,
    profile,
    revision,
    credentials,
    ...knownClient(flags, credentials),
    ...(foreignToken === undefined ? {} : { foreignToken }),
    ask: createAsk({ requestMs: flags.timeout * 1000, totalMs, bodyBytes }, profile.userAgent),
    report,
    say: (line) => show(`\n${line}`),
  }
  await examine(visit, {
    ...(flags.registration === 'auto' ? {} : { ways: [flags.registration] }),
    ...callbackPort(flags, profile.loopback?.port),
  })
  const { findings } = report
  if (flags.json !== true) console.log(renderEnd(findings))
  else {
    const head = { doctor: version, url, as: flags.as, revision, era: eraOf(revision) }
    console.log(JSON.stringify({ ...head, counts: countMarks(findings), findings }, undefined, 2))
  }
  return findings
}

async function readCredentials({
  login,
  token,
  clientId,
  clientSecret,
  loginTimeout,
}: DoctorFlags): Promise<Credentials> {
  if (login === true && token !== undefined) throw new DoctorMisused('give either --login or --token')
  if (clientSecret !== undefined && clientId === undefined)
    throw new DoctorMisused('--client-secret needs --client-id')
  if (login === true) return { kind: 'login', waitMs: loginTimeout * 1000 }
  if (token !== undefined) return { kind: 'token', token: await readToken(token) }
  if (clientId !== undefined && clientSecret !== undefined) return { kind: 'machine', clientId, clientSecret }
  return { kind: 'none' }
}

async function readToken(file: string): Promise<string> {
  const read = file === '-' ? { content: await text(process.stdin) } : readFile(file)
  if ('problem' in read) throw new DoctorMisused(read.problem)
  const token = read.content.trim()
  if (/^[\w.~+/=-]+$/.test(token)) return token
  throw new DoctorMisused(`${file === '-' ? 'standard input' : file} holds no access token`)
}

/** A client that is known beforehand takes part in the login; a machine has its own token instead. */
function knownClient({ clientId, clientSecret }: DoctorFlags, { kind }: Credentials): Pick<Visit, 'client'> {
  if (clientId === undefined || kind === 'machine') return {}
  return {
    client: {
      id: clientId,
      redirectUri: '',
      ...(clientSecret === undefined ? {} : { secret: clientSecret }),
    },
  }
}

/** A known client has its redirect URI registered, with its usual port. */
function callbackPort(
  { callbackPort: chosen, clientId }: DoctorFlags,
  usual: number | undefined,
): { callbackPort?: number } {
  const port = chosen ?? (clientId === undefined ? undefined : usual)
  return port === undefined ? {} : { callbackPort: port }
}

function parseUrl(value: string): URL {
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('give an http or https URL')
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw new InvalidArgumentError('the URL must have no user information and no fragment')
  return url
}

function parseRevision(value: string): Revision {
  if (isRevision(value)) return value
  throw new InvalidArgumentError('give a published revision, a date such as 2025-11-25')
}

function parseGiven(value: string): string {
  if (value !== '') return value
  throw new InvalidArgumentError('it is empty: give it, or take it away')
}
