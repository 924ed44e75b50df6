import { Command, Option } from 'commander'
import type { AskedCall, Explanation } from '../compose/explain/contract.ts'
import { explain } from '../compose/explain/explain.ts'
import { loadConfig } from '../config/load.ts'
import { fileVariable } from '../config/reading/environment.ts'
import type { Config } from '../config/schema.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Era } from '../mcp/revisions.ts'
import { parseIsoTime } from './audit/audit-filter.ts'
import { configFor } from './config-for.ts'
import { explanationDocument, explanationText } from './explanation-text.ts'
import { addConfigFlag, addTenantFlag } from './flags.ts'
import { wrongOperand } from './operand-wrong.ts'
import { parseObject, readSample } from './read-sample.ts'

interface ExplainFlags {
  readonly config?: string
  readonly tenant?: string
  readonly claims?: string
  readonly token?: string
  readonly server?: string
  readonly method?: string
  readonly name?: string
  readonly uri?: string
  readonly params?: string
  readonly era: Era
  readonly at?: string
  readonly expect?: Explanation['decision']
  readonly json?: boolean
}

/**
 * `portcullis explain`: why a call with a token would be allowed, challenged or denied. Exits with 1 if that
 * contradicts `--expect`.
 */
export function explainCommand(): Command {
  return addTenantFlag(addConfigFlag(new Command('explain')))
    .description('Say why a call would be allowed, challenged or denied, and for whom. Verifies nothing.')
    .option('--claims <file>', 'the claims of an access token as JSON; - for standard input')
    .option('--token <->', 'read the token itself from standard input')
    .option('--server <name>', 'the MCP server that is called, if there are several')
    .option(
      '--method <method>',
      'the method that is called (default: tools/call with --name, resources/read with --uri)',
    )
    .option('--name <name>', 'the tool or prompt that is called')
    .option('--uri <uri>', 'the resource that is read')
    .option('--params <json>', 'other params of the call')
    .addOption(
      new Option('--era <era>', 'era of the protocol').choices(['modern', 'legacy']).default('modern'),
    )
    .option('--at <time>', 'explain as of this time, or "issue" for when the token was issued (default: now)')
    .addOption(
      new Option('--expect <decision>', 'exit with 1 if the decision is another one').choices([
        'allow',
        'challenge',
        'deny',
      ]),
    )
    .option('--json', 'print JSON for programs')
    .action(async ({ config: file = process.env[fileVariable], ...flags }: ExplainFlags) => {
      if (file === undefined) {
        throw wrongOperand(
          '--config',
          'name the file, such as: portcullis explain -c portcullis.yaml --claims claims.json',
        )
      }
      const whole = loadConfig({ file, environment: process.env, needsServer: true })
      const config = configFor(whole, flags.tenant)
      const server = serverFor(config, flags.server)
      const call = callOf(flags)
      const sample = await readSample(flags)
      const index = whole.tenants.findIndex(({ name }) => name === flags.tenant)
      const question = { server, call, sample, within: index === -1 ? '' : `tenants[${index}].` }
      const explained = await explain(config, question, clockOf(flags.at, sample.claims.iat))
      console.log(
        flags.json === true
          ? JSON.stringify(explanationDocument(explained), undefined, 2)
          : explanationText(explained),
      )
      if (flags.expect === undefined || flags.expect === explained.decision) return
      console.error(`portcullis: expected ${flags.expect}, but the decision is ${explained.decision}`)
      process.exitCode = 1
    })
}

function serverFor({ upstreams }: Config, name: string | undefined): string {
  const names = upstreams.map((upstream) => upstream.name)
  const [only, ...others] = names
  if (name === undefined && only !== undefined && others.length === 0) return only
  if (name !== undefined && names.includes(name)) return name
  const has = names.length === 0 ? 'has no MCP server' : `has ${names.join(', ')}`
  throw wrongOperand(
    '--server',
    `${name === undefined ? 'name one' : `there is no ${name}`}: the configuration ${has}`,
  )
}

/** The parameter in which a method names its object. */
const namedBy: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
])

/** The call that the flags describe. Throws OperandWrong. */
function callOf({ method: given, name, uri, params = '{}', era }: ExplainFlags): AskedCall {
  if (name !== undefined && uri !== undefined)
    throw wrongOperand('--name, --uri', 'are alternatives: a resource has a URI, anything else a name')
  const method =
    given ?? (uri !== undefined ? 'resources/read' : name !== undefined ? 'tools/call' : undefined)
  if (method === undefined)
    throw wrongOperand('--method', 'name what is called, such as: --method tools/call --name echo')
  const asked: AskedCall = {
    method,
    era,
    params: {
      ...parseObject('--params', params),
      ...(name === undefined ? {} : { name }),
      ...(uri === undefined ? {} : { uri }),
    },
  }
  const needed = namedBy.get(method)
  if (needed !== undefined && typeof asked.params[needed] !== 'string')
    throw wrongOperand(`--${needed}`, `${method} names what it calls: give it with --${needed}`)
  return asked
}

function clockOf(at: string | undefined, issuedAt: unknown): Clock {
  if (at === undefined) return systemClock
  const moment = at === 'issue' ? issuedAt : parseIsoTime(at) / 1000
  if (typeof moment === 'number' && isTime(moment * 1000)) return { now: () => moment * 1000 }
  const message =
    at === 'issue'
      ? 'the token does not say when it was issued (iat)'
      : 'is not a time such as 2026-07-28T12:00:00Z'
  throw wrongOperand('--at', message)
}

/** An unverified number may be beyond any time. */
function isTime(milliseconds: number): boolean {
  return !Number.isNaN(new Date(milliseconds).getTime())
}
