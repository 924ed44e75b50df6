import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { isJsonObject } from '../../core/json-object.ts'

/** An entity that a policy names. */
export interface EntityName {
  readonly type: string
  readonly id: string
}

/** What policies look at, and therefore what their decision can depend on. */
export interface Mentions {
  readonly entities: readonly EntityName[]
  /** The attributes of the caller. */
  readonly callerAttributes: ReadonlySet<string>
  /** Whether the caller is compared as a whole. */
  readonly caller: boolean
  /** The arguments, by name; `all` if they are used as a whole, undefined if not at all. */
  readonly arguments: ReadonlySet<string> | 'all' | undefined
  readonly now: boolean
}

/** What one policy, or a part of it, looks at. */
export function mentionsOf(policy: PolicyJson | object): Mentions {
  const entities: EntityName[] = []
  const callerAttributes = new Set<string>()
  const names = new Set<string>()
  const found = { caller: false, all: false, arguments: false, now: false }

  const visitContext = ([first, second]: readonly string[]): void => {
    if (first === 'now') found.now = true
    if (first !== 'arguments') return
    found.arguments = true
    if (second !== undefined) names.add(second)
  }
  const visitAccess = (left: unknown, path: readonly string[], isTest: boolean): void => {
    const [first = ''] = path
    if (isVariable(left, 'principal')) callerAttributes.add(first)
    else if (isVariable(left, 'context')) {
      visitContext(path)
      // `context has arguments` looks into none of them.
      if (first === 'arguments' && path.length === 1 && !isTest) found.all = true
    } else if (isArguments(left)) visitContext(['arguments', first])
    else visit(left)
  }
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) visit(one)
    if (!isJsonObject(node)) return
    if (typeof node['type'] === 'string' && typeof node['id'] === 'string') {
      entities.push({ type: node['type'], id: node['id'] })
      return
    }
    if (isVariable(node, 'context')) Object.assign(found, { all: true, arguments: true, now: true })
    if (isVariable(node, 'principal')) found.caller = true
    for (const [key, value] of Object.entries(node)) {
      if ((key === '.' || key === 'has') && isJsonObject(value))
        visitAccess(value['left'], [value['attr']].flat() as string[], key === 'has')
      else if ((key === 'in' || key === 'is') && isJsonObject(value)) {
        // The groups, roles or users that the caller is asked to be in are named beside it.
        const { left, ...others } = value
        if (!isVariable(left, 'principal')) visit(left)
        visit(others)
      } else visit(value)
    }
  }
  visit(policy)
  return {
    entities,
    callerAttributes,
    caller: found.caller,
    arguments: found.all ? 'all' : found.arguments ? names : undefined,
    now: found.now,
  }
}

/** Everything that any of several policies looks at. */
export function mentionsOfAll(all: readonly Mentions[]): Mentions {
  const named = all.flatMap((one) => one.arguments ?? [])
  const isAny = all.some((one) => one.arguments !== undefined)
  return {
    entities: all.flatMap(({ entities }) => entities),
    callerAttributes: new Set(all.flatMap((one) => [...one.callerAttributes])),
    caller: all.some(({ caller }) => caller),
    arguments: named.includes('all')
      ? 'all'
      : isAny
        ? new Set(named.flatMap((one) => (one === 'all' ? [] : [...one])))
        : undefined,
    now: all.some(({ now }) => now),
  }
}

function isVariable(node: unknown, name: string): boolean {
  return isJsonObject(node) && node['Var'] === name
}

function isArguments(node: unknown): boolean {
  const access = isJsonObject(node) ? node['.'] : undefined
  return isJsonObject(access) && isVariable(access['left'], 'context') && access['attr'] === 'arguments'
}
