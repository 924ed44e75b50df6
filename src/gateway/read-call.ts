import { isAscii, isUtf8 } from 'node:buffer'
import { Refusal } from '../core/errors.ts'
import { readBody } from '../http/body.ts'
import type { Exchange } from '../http/exchange.ts'
import type { Head } from '../http/head.ts'
import { checkMethodHeader, checkNameHeader } from '../mcp/agreement.ts'
import { type Dialect, decideDialect } from '../mcp/era.ts'
import { JsonRefused, type Omission, parseStrictJson } from '../mcp/json.ts'
import { type Message, type RequestId, readMessage, requestIdOf } from '../mcp/message.ts'
import type { FindMethod, MethodRow } from '../mcp/methods.ts'
import {
  assumedRevision,
  eraOf,
  hasBatches,
  isRevision,
  type Revision,
  supportedIn,
} from '../mcp/revisions.ts'
import type { Call, MethodCall } from './call.ts'

/** The limits of a body. */
export interface CallLimits {
  readonly bodyBytes: number
  readonly nesting: number
  readonly batch: number
}

/** What is needed to read a request. */
interface CallContext {
  readonly limits: CallLimits
  /** The revision of the client's session. */
  readonly fallback: Revision | undefined
  readonly findMethod: FindMethod
  /** What decides nothing, and need not be built. */
  readonly payload: Omission
}

/**
 * Reads a request as MCP, once and strictly: media type, UTF-8, JSON, JSON-RPC, era, mirrored headers,
 * known methods. Throws the refusals of MCP 2026-07-28 in the order of "Server Validation". Everything is
 * untrusted.
 */
export async function readCall(
  exchange: Exchange,
  { limits, fallback, findMethod, payload }: CallContext,
): Promise<Call> {
  const { req, head } = exchange
  if (req.method === 'GET' || req.method === 'DELETE') return readBodiless(req.method, head, fallback)
  if (req.method !== 'POST') throw new Refusal('method_not_allowed')
  if (!isPlainJson(head)) throw new Refusal('media_type_unsupported')
  const body = await readBody(req, limits.bodyBytes)
  const value = parse(body, limits.nesting, payload)
  return Array.isArray(value)
    ? readBatch(value, { head, limits, fallback, body, findMethod })
    : readSingle(readMessage(value), { head, fallback, body, findMethod })
}

function readBodiless(verb: 'GET' | 'DELETE', head: Head, fallback: Revision | undefined): Call {
  const revision = headerRevision(head) ?? fallback ?? assumedRevision
  // Only the legacy era has streams and sessions that a client opens with requests of their own.
  if (eraOf(revision) === 'modern') throw new Refusal('method_not_allowed')
  return {
    verb,
    dialect: { era: 'legacy', revision },
    methods: [],
    body: undefined,
    id: undefined,
    hasAnswers: false,
  }
}

interface SingleContext extends Omit<CallContext, 'limits' | 'payload'> {
  readonly head: Head
  readonly body: Buffer
}

function readSingle(message: Message, { head, fallback, body, findMethod }: SingleContext): Call {
  const dialect = decideDialect(message, head.protocolVersion, fallback)
  if (message.kind === 'response') {
    if (dialect.era === 'modern') throw new Refusal('response_unexpected')
    return { verb: 'POST', dialect, methods: [], body, id: undefined, hasAnswers: true }
  }
  const method = readMethod(message, head, { dialect, findMethod })
  return { verb: 'POST', dialect, methods: [method], body, id: requestIdOf(message), hasAnswers: false }
}

interface BatchContext extends Omit<CallContext, 'payload'> {
  readonly head: Head
  readonly body: Buffer
}

/** A batch is decided as a whole: if one element is refused, all are. */
function readBatch(
  values: readonly unknown[],
  { head, limits, fallback, body, findMethod }: BatchContext,
): Call {
  const revision = headerRevision(head) ?? fallback ?? assumedRevision
  if (!hasBatches(revision)) throw new Refusal('batch_unsupported')
  if (values.length === 0 || values.length > limits.batch) {
    throw new Refusal('message_invalid', { explain: `a batch has 1 to ${limits.batch} messages` })
  }
  if (head.mcpMethod !== undefined || head.mcpName !== undefined) {
    throw new Refusal('header_mismatch', { explain: 'a batch has no Mcp-Method and no Mcp-Name' })
  }
  const messages = values.map(readMessage)
  const methods = messages.flatMap((message) => {
    const dialect = decideDialect(message, head.protocolVersion, fallback)
    if (dialect.era === 'modern') throw new Refusal('batch_unsupported')
    if (message.kind === 'response') return []
    const row = findMethod(message.method, message.kind, 'legacy')
    if (row === undefined || message.method === 'initialize') {
      const named = row === undefined ? { method: message.method } : {}
      throw new Refusal('message_invalid', { explain: 'a method that cannot stand in a batch', ...named })
    }
    return [{ row, params: message.params }]
  })
  const hasAnswers = methods.length < messages.length
  return { verb: 'POST', dialect: { era: 'legacy', revision }, methods, body, id: undefined, hasAnswers }
}

function readMethod(
  message: Exclude<Message, { kind: 'response' }>,
  head: Head,
  { dialect: { era }, findMethod }: { readonly dialect: Dialect; readonly findMethod: FindMethod },
): MethodCall {
  checkMethodHeader(message, head, era)
  const row = findMethod(message.method, message.kind, era)
  if (row === undefined) throw unknownMethod(message, era)
  checkNameHeader(message, row, head, era)
  return { row, params: message.params }
}

/** A message with an unknown method, whose name is told to the operator. */
interface UnknownMethod {
  readonly kind: MethodRow['kind']
  readonly method: string
  readonly id?: RequestId | undefined
}

/** The refusal of a method that is not in a server's table. */
export function unknownMethod({ kind, method, id }: UnknownMethod, era: Dialect['era']): Refusal {
  if (kind === 'notification') return new Refusal('notification_unknown', { method })
  return new Refusal(era === 'modern' ? 'method_unknown' : 'method_unknown_legacy', { method, id })
}

function headerRevision({ protocolVersion }: Head): Revision | undefined {
  if (protocolVersion === undefined || isRevision(protocolVersion)) return protocolVersion
  throw new Refusal('version_unsupported', {
    data: { supported: supportedIn(eraOf(protocolVersion)), requested: protocolVersion },
  })
}

/**
 * Exactly JSON in UTF-8: with another charset, a server could read something else than was authorized. A
 * semicolon may be followed by nothing (RFC 9110 section 5.6.6), and "utf8" is a common spelling.
 */
const plainJson = /^application\/json(?:[ \t]*;(?:[ \t]*charset=(?:utf-?8|"utf-?8"))?)*[ \t]*$/i

function isPlainJson({ contentType, contentEncoding }: Head): boolean {
  return (
    contentType !== undefined &&
    (contentType === 'application/json' || plainJson.test(contentType)) &&
    (contentEncoding === undefined || contentEncoding.toLowerCase() === 'identity')
  )
}

function parse(body: Buffer, nesting: number, payload: Omission): unknown {
  if (!isUtf8(body)) throw new Refusal('json_invalid', { explain: 'the body is not UTF-8' })
  try {
    return parseStrictJson(body.toString(isAscii(body) ? 'latin1' : 'utf8'), nesting, payload)
  } catch (error) {
    if (error instanceof JsonRefused) throw new Refusal('json_invalid', { explain: error.message })
    throw error
  }
}
