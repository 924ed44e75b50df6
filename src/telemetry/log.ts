import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import type pretty from 'pino-pretty'
import { reasonOf } from '../core/reason-of.ts'
import type { RequestEvent } from './event.ts'
import { scrub } from './scrub.ts'
import { standardOutput } from './standard-output.ts'

interface LogOptions {
  readonly level: string
  /** `json` for machines, `text` for people. */
  readonly format: 'json' | 'text'
  /** Where lines go; standard output by default. */
  readonly destination?: NodeJS.WritableStream | undefined
  /** Included in each line if several processes write to one log. */
  readonly worker?: number | undefined
}

/** The log of one process. */
export interface Log {
  readonly logger: Logger
  /** The log of a tenant, whose name is in each line; the lines go to the same destination. */
  forTenant(name: string): Log
  /** Sets the least severe level that is written. */
  setLevel(level: string): void
  request(event: RequestEvent): void
  /** Reports to machines that everything has started; people are told by the command itself. */
  started(facts: object): void
}

/** Members of what is logged that are never shown. */
const secretPaths = [
  '*.authorization',
  '*.cookie',
  '*.token',
  '*.secret',
  '*.password',
  '*.code_verifier',
  '*.assertion',
]

/** Loaded for people only: most servers write JSON, and start sooner without. */
const loadPretty = (): typeof pretty => createRequire(import.meta.url)('pino-pretty') as typeof pretty

/** Opens the log. */
export function createLog(options: LogOptions): Log {
  const { format } = options
  const onLost = (lines: number): void =>
    log.logger.warn(
      { lines },
      `${lines} lines of the log are lost: nothing could be written, and 16 MB waited`,
    )
  const destination = options.destination ?? standardOutput(onLost)
  const stream: DestinationStream =
    format === 'text'
      ? loadPretty()({
          hideObject: true,
          translateTime: 'SYS:HH:MM:ss',
          messageFormat: ({ tenant, ...entry }, key) =>
            (typeof tenant === 'string' ? `[${tenant}] ` : '') +
            withoutControls(withFault(entry[key], entry)),
          destination: streamTo(destination),
        })
      : destination
  const log = logOver(stream, options, undefined)
  return log
}

function streamTo(output: DestinationStream): Writable {
  return new Writable({
    write(line: Buffer, _, done) {
      output.write(line.toString())
      done()
    },
  })
}

function logOver(
  stream: DestinationStream,
  { level, format, worker }: LogOptions,
  tenant: string | undefined,
): Log {
  const options = {
    level,
    base: worker === undefined && tenant === undefined ? null : { worker, tenant },
    timestamp: stdTimeFunctions.isoTime,
  }
  const redact = { paths: secretPaths, censor: '[redacted]' }
  const logger = pino({ ...options, redact, serializers: { err: describeError } }, stream)
  // The members of an event are known, flat and not secret: searching each for secrets would cost more than
  // writing it.
  const requests = pino(options, stream)
  return {
    logger,
    forTenant: (name) => logOver(stream, { level: logger.level, format, worker }, name),
    setLevel(next) {
      logger.level = next
      requests.level = next
    },
    started: (facts) => (format === 'json' ? logger.info(facts, 'ready') : undefined),
    request(event) {
      const severity = severityOf(event, format)
      if (requests.isLevelEnabled(severity)) {
        requests[severity](event, format === 'text' ? describeRequest(event) : undefined)
      }
    },
  }
}

/** What the gateway only passes on is reported by the authorization server: for people, once is enough. */
function severityOf(
  { kind, outcome }: RequestEvent,
  format: LogOptions['format'],
): 'debug' | 'info' | 'warn' {
  if (outcome === 'failed') return 'warn'
  return kind === 'proxy' && format === 'text' ? 'debug' : 'info'
}

/** Names and paths are chosen by others; they must not move the cursor of a terminal or begin a line. */
function withoutControls(message: string): string {
  return message.replaceAll(/\p{C}/gu, '�')
}

/** What machines find beside a message: a fault. */
function withFault(message: unknown, { err }: { readonly err?: unknown }): string {
  const said = typeof message === 'string' ? message : ''
  const reason = (err as Partial<Error> | undefined)?.message ?? ''
  return said.includes(reason) ? said : `${said}: ${reason}`
}

function describeError(error: Error): object {
  return { type: error.name, message: scrub(reasonOf(error)), stack: scrub(error.stack ?? '') }
}

/** One line for people: what, who, outcome, duration. */
function describeRequest(event: RequestEvent): string {
  const methods = event.methods?.join(', ') ?? event.unknownMethod
  const what =
    event.kind === 'mcp' && methods !== undefined
      ? [methods, event.object]
      : [event.httpMethod, event.path, event.step, event.grantType]
  const who = [event.subject, event.clientId].filter((part) => part !== undefined).join(' via ')
  const told = [...new Set([event.code, event.reason, event.specifics])].filter((part) => part !== undefined)
  const objection = event.objection === undefined ? undefined : `policies would refuse it: ${event.objection}`
  const why = event.outcome === 'allowed' ? objection : `${event.outcome}: ${told.join(': ')}`
  return [
    event.kind.padEnd(6),
    String(event.status),
    ...what,
    who === '' ? undefined : `(${who})`,
    why,
    `${event.durationMs.toFixed(1)} ms`,
    `[${event.requestId}]`,
  ]
    .filter((part) => part !== undefined)
    .join(' ')
}
