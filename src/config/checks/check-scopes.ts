import { ownScopeProblem, ScopeCatalogue } from '../../core/scope-catalogue.ts'
import { closest } from '../closest.ts'
import { problem, type RuleProblem } from '../problems.ts'
import type { ParsedConfig } from '../schema.ts'

/** A scope that a setting names, and where. */
type Named = readonly [path: readonly PropertyKey[], scope: string]

/** The rules for the operator's own scopes, and for settings that name scopes: each scope must exist. */
export function checkScopes(config: Partial<ParsedConfig>): RuleProblem[] {
  const { scopes: own } = config
  if (own === undefined) return [] // it is itself wrong, so which scopes it was meant to define is unknown
  const catalogue = new ScopeCatalogue(own)
  const badNames = Object.keys(own).flatMap((scope): RuleProblem[] => {
    const message = ownScopeProblem(scope)
    return message === undefined ? [] : [problem(['scopes', scope], message)]
  })
  const unknown = [...namedScopes(config)].filter(([, scope]) => !catalogue.knows(scope))
  return [
    ...badNames,
    ...unknown.map(([path, scope]) => {
      const close = closest(scope, catalogue.names)
      const hint = close === undefined ? 'name it there with its words' : `did you mean ${close}?`
      return problem(path, `is neither a scope of MCP nor one of \`scopes\`; ${hint}`)
    }),
  ]
}

function* namedScopes({
  upstreams = [],
  clients = [],
  issuers = [],
}: Partial<ParsedConfig>): Generator<Named> {
  for (const [index, { baselineScopes, methods, listenFilters }] of upstreams.entries()) {
    yield* list(['upstreams', index, 'baselineScopes'], baselineScopes)
    yield* lists(['upstreams', index, 'methods'], methods)
    yield* lists(['upstreams', index, 'listenFilters'], listenFilters)
  }
  for (const [index, { scopes }] of clients.entries()) yield* list(['clients', index, 'scopes'], scopes)
  for (const [index, { scopes, scopeMap }] of issuers.entries()) {
    yield* list(['issuers', index, 'scopes'], scopes)
    yield* lists(['issuers', index, 'scopeMap'], scopeMap)
  }
}

function* list(path: readonly PropertyKey[], scopes: readonly string[] = []): Generator<Named> {
  for (const [position, scope] of scopes.entries()) yield [[...path, position], scope]
}

function* lists(
  path: readonly PropertyKey[],
  scopes: Readonly<Record<string, readonly string[]>>,
): Generator<Named> {
  for (const [key, value] of Object.entries(scopes)) yield* list([...path, key], value)
}
