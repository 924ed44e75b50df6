import { isJsonObject, type JsonObject } from '../core/json-object.ts'
import { isAskedFor } from './subscriptions.ts'

/** The kinds of objects that a call can name and a list can contain. */
export type ObjectKind = 'tools' | 'resources' | 'prompts'

/**
 * One tool, resource or prompt, by its name, URI or URI template. Undefined if the name is not a string,
 * which a server may still convert to one. Untrusted.
 */
export interface NamedObject {
  readonly kind: ObjectKind
  readonly name: string | undefined
  /** What a tool or a prompt is called with; absent where nothing is called. Untrusted. */
  readonly arguments?: unknown
}

const paramOf: Readonly<Record<string, readonly [ObjectKind, 'name' | 'uri']>> = {
  'tools/call': ['tools', 'name'],
  'prompts/get': ['prompts', 'name'],
  'resources/read': ['resources', 'uri'],
  'resources/subscribe': ['resources', 'uri'],
  'resources/unsubscribe': ['resources', 'uri'],
}

/** The objects that a call names. */
export function objectsOf(method: string, params: JsonObject): readonly NamedObject[] {
  if (method === 'completion/complete') return referenceOf(params)
  if (method === 'subscriptions/listen') return subscriptionsOf(params)
  const [kind, param] = paramOf[method] ?? []
  if (kind === undefined || param === undefined) return []
  const object = named(kind, params[param])
  return [kind === 'resources' ? object : { ...object, arguments: params['arguments'] ?? {} }]
}

function named(kind: ObjectKind, name: unknown): NamedObject {
  return { kind, name: typeof name === 'string' ? name : undefined }
}

function referenceOf({ ref }: JsonObject): NamedObject[] {
  if (!isJsonObject(ref)) return []
  return [ref['type'] === 'ref/prompt' ? named('prompts', ref['name']) : named('resources', ref['uri'])]
}

function subscriptionsOf({ notifications }: JsonObject): NamedObject[] {
  const uris = isJsonObject(notifications) ? notifications['resourceSubscriptions'] : undefined
  return isAskedFor(uris) ? [uris].flat().map((uri) => named('resources', uri)) : []
}

/** A list in a result: its member, the kind of its items, and the member of an item that names it. */
export interface ListShape {
  readonly member: string
  readonly kind: ObjectKind
  readonly nameMember: 'name' | 'uri' | 'uriTemplate'
  /** The method that uses an item. */
  readonly use: string
}

/** The lists by the method that asks for them. */
export const lists: ReadonlyMap<string, ListShape> = new Map([
  ['tools/list', { member: 'tools', kind: 'tools', nameMember: 'name', use: 'tools/call' }],
  ['prompts/list', { member: 'prompts', kind: 'prompts', nameMember: 'name', use: 'prompts/get' }],
  ['resources/list', { member: 'resources', kind: 'resources', nameMember: 'uri', use: 'resources/read' }],
  [
    'resources/templates/list',
    { member: 'resourceTemplates', kind: 'resources', nameMember: 'uriTemplate', use: 'resources/read' },
  ],
])

/**
 * What a server notifies of unasked, with the request that would let a client know it: changes of lists and
 * of resources.
 */
export const newsOf: ReadonlyMap<string, string> = new Map([
  ['notifications/tools/list_changed', 'tools/list'],
  ['notifications/prompts/list_changed', 'prompts/list'],
  ['notifications/resources/list_changed', 'resources/list'],
  ['notifications/resources/updated', 'resources/subscribe'],
])
