import { isJsonObject, type JsonObject } from '../core/json-object.ts'
import type { Dialect } from '../mcp/era.ts'
import type { RequestId } from '../mcp/message.ts'
import type { MethodRow } from '../mcp/methods.ts'
import { objectsOf } from '../mcp/objects.ts'
import { eraOf, isRevision, type Revision } from '../mcp/revisions.ts'

/** One method that a client calls, with its row in the table. The params are untrusted. */
export interface MethodCall {
  readonly row: MethodRow
  readonly params: JsonObject
}

/** A request that is well-formed MCP. Not authorized yet. */
export interface Call {
  readonly verb: 'POST' | 'GET' | 'DELETE'
  readonly dialect: Dialect
  /** Several in a batch; none for GET, DELETE and posted responses. */
  readonly methods: readonly MethodCall[]
  readonly body: Buffer | undefined
  /** The id of the request, if there is exactly one. */
  readonly id: RequestId | undefined
  /** Whether it contains answers to requests of the server. */
  readonly hasAnswers: boolean
}

/**
 * What is kept of a call while it runs: no params and no body, which can be large and are no longer needed.
 */
export interface CallSummary {
  readonly verb: Call['verb']
  readonly era: Dialect['era']
  /** Method names, from our own table. */
  readonly methods: readonly string[]
  /** The tools, resources, prompts or tasks that were named. Written by the client. */
  readonly object: string | undefined
  readonly id: RequestId | undefined
  /** Set if this request opens a legacy session. */
  readonly opening: Opening | undefined
}

/** What a client says when it opens a legacy session. */
export interface Opening {
  /**
   * Undefined if the client asks for one without sessions; the server's answer then says what it agrees to
   * instead.
   */
  readonly revision: Revision | undefined
  /** The params, as JSON; undefined if they are too long to be kept in the session id. */
  readonly initialize: string | undefined
}

const maxObjectLength = 200
const maxInitializeLength = 1024

/** Extracts from a call what is still needed after authorization. */
export function summarise({ verb, dialect, methods, id }: Call): CallSummary {
  const [first] = methods
  return {
    verb,
    era: dialect.era,
    methods: methods.map(({ row }) => row.method),
    object: objectOf(methods),
    id,
    opening: first?.row.method === 'initialize' ? openingIn(first.params) : undefined,
  }
}

/** Whether a call opens a stream for changes, which lasts until somebody ends it. */
export function isEndless({ verb, methods }: CallSummary): boolean {
  return verb === 'GET' || methods.includes('subscriptions/listen')
}

/** The names in calls, separated by spaces, up to 200 characters. Written by the client. */
export function objectOf(methods: readonly MethodCall[]): string | undefined {
  let text: string | undefined
  const add = (name: unknown): void => {
    if (typeof name === 'string') text = text === undefined ? name : `${text} ${name}`
  }
  for (const { row, params } of methods) {
    if (row.nameParam !== undefined) add(params[row.nameParam])
    else for (const { name } of objectsOf(row.method, params)) add(name)
  }
  return text?.slice(0, maxObjectLength)
}

function openingIn({ protocolVersion, capabilities, clientInfo }: JsonObject): Opening {
  const info = isJsonObject(clientInfo) ? { name: clientInfo['name'], version: clientInfo['version'] } : {}
  // A client's icons and URLs are meant for people, and would make the session id long.
  const initialize = JSON.stringify({ protocolVersion, capabilities, clientInfo: info })
  return {
    revision:
      isRevision(protocolVersion) && eraOf(protocolVersion) === 'legacy' ? protocolVersion : undefined,
    initialize: Buffer.byteLength(initialize) <= maxInitializeLength ? initialize : undefined,
  }
}
