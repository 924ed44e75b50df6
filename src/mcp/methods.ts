import { isJsonObject, type JsonObject } from '../core/json-object.ts'
import type { Era } from './revisions.ts'
import { filterEntries, isAskedFor, mostSubscribed } from './subscriptions.ts'

/** The scopes that a call needs; undefined if its params do not say what is asked for. */
type ScopeRule = readonly string[] | ((params: JsonObject) => readonly string[] | undefined)

/** One method that a client may send. */
export interface MethodRow {
  readonly method: string
  readonly kind: 'request' | 'notification'
  readonly eras: readonly Era[]
  /** The param that the `Mcp-Name` header repeats in the modern era. */
  readonly nameParam?: 'name' | 'uri' | 'taskId'
  readonly scopes: ScopeRule
}

const both: readonly Era[] = ['legacy', 'modern']
const legacy: readonly Era[] = ['legacy']
const modern: readonly Era[] = ['modern']
const none: readonly string[] = []

const toolsRead = ['mcp:tools:read'] as const
const toolsExecute = ['mcp:tools:execute'] as const
const resourcesList = ['mcp:resources:list'] as const
const resourcesRead = ['mcp:resources:read'] as const
const promptsList = ['mcp:prompts:list'] as const
const promptsRead = ['mcp:prompts:read'] as const

/**
 * Every MCP method that a client sends to a server, with the scope that it needs. Anything else is denied.
 */
export const methodTable: readonly MethodRow[] = [
  { method: 'initialize', kind: 'request', eras: legacy, scopes: none },
  { method: 'ping', kind: 'request', eras: legacy, scopes: none },
  { method: 'server/discover', kind: 'request', eras: modern, scopes: none },
  { method: 'tools/list', kind: 'request', eras: both, scopes: toolsRead },
  { method: 'tools/call', kind: 'request', eras: both, nameParam: 'name', scopes: toolsExecute },
  { method: 'resources/list', kind: 'request', eras: both, scopes: resourcesList },
  { method: 'resources/templates/list', kind: 'request', eras: both, scopes: resourcesList },
  { method: 'resources/read', kind: 'request', eras: both, nameParam: 'uri', scopes: resourcesRead },
  { method: 'resources/subscribe', kind: 'request', eras: legacy, scopes: resourcesRead },
  { method: 'resources/unsubscribe', kind: 'request', eras: legacy, scopes: resourcesRead },
  { method: 'subscriptions/listen', kind: 'request', eras: modern, scopes: listenScopesIn(() => mcpMethods) },
  { method: 'prompts/list', kind: 'request', eras: both, scopes: promptsList },
  { method: 'prompts/get', kind: 'request', eras: both, nameParam: 'name', scopes: promptsRead },
  { method: 'completion/complete', kind: 'request', eras: both, scopes: completionScopes },
  { method: 'logging/setLevel', kind: 'request', eras: legacy, scopes: none },
  { method: 'tasks/get', kind: 'request', eras: both, nameParam: 'taskId', scopes: toolsExecute },
  { method: 'tasks/result', kind: 'request', eras: legacy, scopes: toolsExecute },
  { method: 'tasks/list', kind: 'request', eras: legacy, scopes: toolsExecute },
  { method: 'tasks/update', kind: 'request', eras: modern, nameParam: 'taskId', scopes: toolsExecute },
  { method: 'tasks/cancel', kind: 'request', eras: both, nameParam: 'taskId', scopes: toolsExecute },
  { method: 'notifications/initialized', kind: 'notification', eras: legacy, scopes: none },
  { method: 'notifications/cancelled', kind: 'notification', eras: both, scopes: none },
  { method: 'notifications/progress', kind: 'notification', eras: legacy, scopes: none },
  { method: 'notifications/roots/list_changed', kind: 'notification', eras: legacy, scopes: none },
  { method: 'notifications/tasks/status', kind: 'notification', eras: legacy, scopes: none },
]

/** Finds the row of a method in an era; undefined if the method is unknown there. Untrusted input is fine. */
export type FindMethod = (method: string, kind: MethodRow['kind'], era: Era) => MethodRow | undefined

type MethodIndex = ReadonlyMap<string, MethodRow>

const mcpMethods: MethodIndex = new Map(methodTable.map((row) => [row.method, row]))

/** Looks only in the table of MCP. */
export const findMethod: FindMethod = finderIn(mcpMethods)

function finderIn(index: MethodIndex): FindMethod {
  return (method, kind, era) => {
    const row = index.get(method)
    return row !== undefined && row.kind === kind && row.eras.includes(era) ? row : undefined
  }
}

/** An operator's settings for the methods of a server. */
interface MethodSettings {
  /**
   * The scopes of methods: replacements for those in the table, and those of methods that are not in it, in
   * both eras.
   */
  readonly scopes: Readonly<Record<string, readonly string[]>>
  /** The scopes of listen filter entries that MCP does not define. */
  readonly filters?: Readonly<Record<string, readonly string[]>>
  /** Methods that the server does not support. */
  readonly absent?: readonly string[]
}

/** Looks in the table and in the operator's settings. */
export function findMethodWith({ scopes, filters = {}, absent = [] }: MethodSettings): FindMethod {
  const own = Object.entries(scopes)
  if (own.length === 0 && absent.length === 0 && Object.keys(filters).length === 0) return findMethod
  const index = new Map(mcpMethods)
  const listen = index.get('subscriptions/listen')
  if (listen !== undefined)
    index.set(listen.method, { ...listen, scopes: listenScopesIn(() => index, filters) })
  for (const [method, needed] of own) {
    const kind = method.startsWith('notifications/') ? 'notification' : 'request'
    index.set(method, { method, kind, eras: both, ...index.get(method), scopes: needed })
  }
  for (const method of absent) index.delete(method)
  return finderIn(index)
}

/** The scopes that a call of this method with these params needs; undefined if the params are invalid. */
export function scopesOf(row: MethodRow, params: JsonObject): readonly string[] | undefined {
  if (row.method === 'subscriptions/listen' && asksForTooMuch(params)) return undefined
  return typeof row.scopes === 'function' ? row.scopes(params) : row.scopes
}

function completionScopes({ ref }: JsonObject): readonly string[] | undefined {
  const type = isJsonObject(ref) ? ref['type'] : undefined
  if (type === 'ref/prompt') return promptsRead
  return type === 'ref/resource' ? resourcesRead : undefined
}

/** Whether an entry of a listen filter lists too many, whatever scopes it needs. */
function asksForTooMuch({ notifications }: JsonObject): boolean {
  if (!isJsonObject(notifications)) return false
  return Object.values(notifications).some((entry) => Array.isArray(entry) && entry.length > mostSubscribed)
}

/**
 * Each entry of the filter needs its own scopes: the operator's, or those of the method that requests the
 * same. An unknown kind of entry makes the whole filter invalid.
 */
function listenScopesIn(
  index: () => MethodIndex,
  filters: Readonly<Record<string, readonly string[]>> = {},
): ScopeRule {
  const scopesFor = (entry: string): readonly string[] | undefined => {
    if (Object.hasOwn(filters, entry)) return filters[entry]
    const row = Object.hasOwn(filterEntries, entry) ? index().get(filterEntries[entry] as string) : undefined
    return row && scopesOf(row, {})
  }
  return ({ notifications }) => {
    if (!isJsonObject(notifications)) return undefined
    const needed = new Set<string>()
    for (const [entry, value] of Object.entries(notifications)) {
      const scopes = scopesFor(entry)
      if (scopes === undefined) return undefined
      if (isAskedFor(value)) for (const scope of scopes) needed.add(scope)
    }
    return [...needed]
  }
}
