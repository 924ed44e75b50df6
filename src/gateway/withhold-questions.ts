import { errorKinds } from '../core/errors.ts'
import { errorCodes } from '../mcp/error-codes.ts'
import { isJsonObject, type JsonObject } from '../mcp/json.ts'
import { parseLossless } from '../mcp/lossless.ts'
import { metaKeys } from '../mcp/meta-keys.ts'
import { questionOf } from '../mcp/questions.ts'
import type { Rewrite } from '../upstream/contract.ts'
import type { Call } from './call.ts'
import type { Upstream } from './upstream.ts'

/** What takes the place of a question: a method that no client knows, so that each says so to the server. */
const withheldMethod = 'portcullis/withheld'

/**
 * Takes out of a call what its client offers to be asked and this server must not ask, so that a server which heeds
 * capabilities finds another way. Every call without such an offer keeps its bytes: batches do, which hold no `initialize`.
 */
export function withholdOffers({ withheldQuestions: withheld }: Upstream, call: Call): Call {
  const [only] = call.methods
  if (withheld === undefined || only === undefined) return call
  const place = call.dialect.era === 'modern' ? inMeta : inInitialize
  const offers = only.row.method === 'initialize' || place === inMeta ? place.get(only.params) : undefined
  if (!isJsonObject(offers) || ![...withheld].some((kind) => Object.hasOwn(offers, kind))) return call
  const change = (params: JsonObject): JsonObject => place.set(params, without(place.get(params), withheld))
  const message = parseLossless(call.body?.toString() ?? '') as JsonObject
  return {
    ...call,
    methods: [{ ...only, params: change(only.params) }],
    body: Buffer.from(JSON.stringify({ ...message, params: change(message['params'] as JsonObject) })),
  }
}

/** Where a client says what it can do. */
interface Place {
  get(params: JsonObject): unknown
  set(params: JsonObject, offers: JsonObject): JsonObject
}

const inInitialize: Place = {
  get: ({ capabilities }) => capabilities,
  set: (params, capabilities) => ({ ...params, capabilities }),
}

const inMeta: Place = {
  get: ({ _meta: meta }) => (isJsonObject(meta) ? meta[metaKeys.clientCapabilities] : undefined),
  set: (params, offers) => ({
    ...params,
    _meta: { ...(params['_meta'] as JsonObject), [metaKeys.clientCapabilities]: offers },
  }),
}

function without(offers: unknown, withheld: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(offers as JsonObject).filter(([name]) => !withheld.has(name)))
}

/**
 * How a client is kept from questions that this server must not ask, and asks all the same. One of the legacy era reaches
 * it without a word of what was asked, by a method that it does not know: its own answer ends the server's wait. A result
 * or an error that asks becomes another error, and a notification that does is left out. Undefined where the server may
 * ask everything.
 */
export function questionFilter({ withheldQuestions: withheld }: Upstream): Rewrite | undefined {
  if (withheld === undefined) return undefined
  const isWithheld = (question: unknown): boolean => {
    const kind = isJsonObject(question) ? questionOf.get(question['method']) : undefined
    return kind !== undefined && withheld.has(kind)
  }
  /** What has not the form of questions may still be read as some. */
  const asks = (holder: unknown): boolean => {
    const questions = isJsonObject(holder) ? holder['inputRequests'] : undefined
    if (questions === undefined) return false
    return !isJsonObject(questions) || Object.values(questions).some(isWithheld)
  }
  return {
    documents: true,
    // However it is written: JSON can spell each of these words in many ways.
    concerns: () => true,
    change(message) {
      if (!isJsonObject(message)) return undefined // no message of JSON-RPC
      const { id, params, result, error } = message
      if (isWithheld(message)) return { jsonrpc: '2.0', id, method: withheldMethod, params: {} }
      if (asks(params)) return undefined
      if (!asks(result) && !(withheld.has('elicitation') && asksByError(error))) return message
      return { jsonrpc: '2.0', id, error: { code: rpc, message: text, data: { code: 'question_denied' } } }
    },
  }
}

function asksByError(error: unknown): boolean {
  if (!isJsonObject(error)) return false
  const { code, data } = error
  // A number that JavaScript would write otherwise is an object here.
  const number = Number(isJsonObject(code) ? code['rawJSON'] : code)
  return number === errorCodes.urlElicitationRequired || (isJsonObject(data) && 'elicitations' in data)
}

const { rpc, message: text } = errorKinds.question_denied
