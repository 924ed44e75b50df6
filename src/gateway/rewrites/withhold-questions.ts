import { errorKinds } from '../../core/errors.ts'
import { isJsonObject, type JsonObject } from '../../core/json-object.ts'
import { errorCodes } from '../../mcp/error-codes.ts'
import { parseLossless } from '../../mcp/lossless.ts'
import { metaKeys } from '../../mcp/meta-keys.ts'
import { questionOf } from '../../mcp/questions.ts'
import type { Rewrite } from '../../upstream/contract.ts'
import type { Call } from '../call.ts'
import type { Upstream } from '../upstream.ts'

/** Replaces the method of a withheld question: no client knows it, so each reports an error to the server. */
const withheldMethod = 'portcullis/withheld'

/**
 * Removes from a call those client capabilities that this server must not use, so that a server that
 * respects capabilities finds another way. Calls without such a capability keep their bytes, as do batches,
 * which contain no `initialize`.
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

/** Where a client declares its capabilities. */
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
 * Keeps a client from being asked what this server must not ask, if the server asks anyway. A request of a
 * legacy server reaches the client without its content and with a method that the client does not know, so
 * the client's own error ends the server's wait. A result or an error that asks becomes a different error,
 * and a notification that asks is dropped. Undefined if the server may ask anything.
 */
export function questionFilter({ withheldQuestions: withheld }: Upstream): Rewrite | undefined {
  if (withheld === undefined) return undefined
  const isWithheld = (question: unknown): boolean => {
    const kind = isJsonObject(question) ? questionOf.get(question['method']) : undefined
    return kind !== undefined && withheld.has(kind)
  }
  /** A client may accept as questions even what does not have their exact form. */
  const asks = (holder: unknown): boolean => {
    const questions = isJsonObject(holder) ? holder['inputRequests'] : undefined
    if (questions === undefined) return false
    return !isJsonObject(questions) || Object.values(questions).some(isWithheld)
  }
  return {
    documents: true,
    // Always, since JSON can spell each of these words in many ways.
    concerns: () => true,
    change(message) {
      if (!isJsonObject(message)) return undefined // not a JSON-RPC message
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
  // A number that JavaScript would write differently is an object here.
  const number = Number(isJsonObject(code) ? code['rawJSON'] : code)
  return number === errorCodes.urlElicitationRequired || (isJsonObject(data) && 'elicitations' in data)
}

const { rpc, message: text } = errorKinds.question_denied
