import { errorKinds } from '../core/errors.ts'
import { isJsonObject, type JsonObject } from '../mcp/json.ts'
import { parseLossless } from '../mcp/lossless.ts'
import { type QuestionKind, questionOf } from '../mcp/questions.ts'
import type { Rewrite } from '../upstream/contract.ts'
import type { Call } from './call.ts'
import type { Upstream } from './upstream.ts'

/** The `_meta` key in which a modern request says what its client can do. */
const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities'
/** What takes the place of a question: a method that no client knows, so that each says so to the server. */
const withheldMethod = 'portcullis/withheld'

/**
 * Takes out of a call what its client offers to be asked and this server must not ask, so that a server which heeds
 * capabilities finds another way. Every call without such an offer keeps its bytes.
 */
export function withholdOffers({ withheldQuestions }: Upstream, call: Call): Call {
  const [only] = call.methods
  if (withheldQuestions === undefined || only === undefined || !offersAny(only.params, withheldQuestions))
    return call
  const change = (params: JsonObject): JsonObject => withoutOffers(params, withheldQuestions)
  const message = parseLossless(call.body?.toString() ?? '') as JsonObject
  return {
    ...call,
    methods: [{ ...only, params: change(only.params) }],
    body: Buffer.from(JSON.stringify({ ...message, params: change(message['params'] as JsonObject) })),
  }
}

/** Only single requests hold capabilities: `initialize` in the legacy era, each in the modern one. */
function offersAny(params: JsonObject, withheld: ReadonlySet<QuestionKind>): boolean {
  const { capabilities, _meta: meta } = params
  const declared = isJsonObject(meta) ? meta[capabilitiesKey] : undefined
  return [capabilities, declared].some(
    (offers) => isJsonObject(offers) && [...withheld].some((kind) => Object.hasOwn(offers, kind)),
  )
}

function withoutOffers(params: JsonObject, withheld: ReadonlySet<string>): JsonObject {
  const without = (offers: unknown): unknown =>
    isJsonObject(offers)
      ? Object.fromEntries(Object.entries(offers).filter(([name]) => !withheld.has(name)))
      : offers
  const { capabilities, _meta: meta } = params
  return {
    ...params,
    ...(capabilities === undefined ? {} : { capabilities: without(capabilities) }),
    ...(isJsonObject(meta) ? { _meta: { ...meta, [capabilitiesKey]: without(meta[capabilitiesKey]) } } : {}),
  }
}

/**
 * How a client is kept from questions that this server must not ask, and asks all the same. One of the legacy era reaches
 * it without a word of what was asked, by a method that it does not know: its own answer ends the server's wait. A result
 * of the modern era that asks becomes an error. Undefined where the server may ask everything.
 */
export function questionFilter({ withheldQuestions }: Upstream): Rewrite | undefined {
  if (withheldQuestions === undefined) return undefined
  const isWithheld = (question: unknown): boolean => {
    const kind = isJsonObject(question) ? questionOf.get(question['method']) : undefined
    return kind !== undefined && withheldQuestions.has(kind)
  }
  return {
    documents: true,
    // However it is written: JSON can spell each of these words in many ways.
    concerns: () => true,
    change(message) {
      if (!isJsonObject(message)) return message
      const { id, result } = message
      if (isWithheld(message)) return { jsonrpc: '2.0', id, method: withheldMethod, params: {} }
      const questions = isJsonObject(result) ? result['inputRequests'] : undefined
      if (!isJsonObject(questions) || !Object.values(questions).some(isWithheld)) return message
      return { jsonrpc: '2.0', id, error: { code: rpc, message: text, data: { code: 'question_denied' } } }
    },
  }
}

const { rpc, message: text } = errorKinds.question_denied
