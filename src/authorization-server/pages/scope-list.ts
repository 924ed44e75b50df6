import { html } from 'hono/html'
import { type ScopeEntry, scopeCatalogue } from '../../core/scope-catalogue.ts'
import type { Markup } from '../../http/page.ts'

/** Scopes in words, under the names of their groups where a group has more than one. */
export function renderGroups(scopes: readonly string[]): Markup {
  const groups = new Map<string, string[]>()
  for (const scope of scopes) {
    const { group } = describe(scope)
    groups.set(group, [...(groups.get(group) ?? []), scope])
  }
  if ([...groups.values()].every(({ length }) => length === 1)) return renderScopes(scopes)
  return html`${[...groups].map(
    ([name, entries]) =>
      html`<h2>${name}</h2>
        ${renderScopes(entries)}`,
  )}`
}

/** A list of scopes in words. */
export function renderScopes(scopes: readonly string[]): Markup {
  return html`<ul>${scopes.map((scope) => html`<li>${renderScope(scope)}</li>`)}</ul>`
}

/** A scope in words, with its name. */
function renderScope(scope: string): Markup {
  return html`${describe(scope).words} <code>${scope}</code>`
}

function describe(scope: string): Pick<ScopeEntry, 'group' | 'words'> {
  const entry = scopeCatalogue.find((known) => known.scope === scope)
  if (entry !== undefined) return entry
  if (scope === 'openid') return { group: 'Everything', words: 'Know your name' }
  return { group: 'Tools', words: `Run the tool ${scope.slice(scope.lastIndexOf(':') + 1)}` }
}
