import { html } from 'hono/html'
import type { ScopeCatalogue } from '../../core/scope-catalogue.ts'
import type { Markup } from '../../http/page.ts'

/** Scopes in words, under the names of their groups if a group has more than one. */
export function renderGroups(catalogue: ScopeCatalogue, scopes: readonly string[]): Markup {
  const groups = new Map<string, string[]>()
  for (const scope of scopes) {
    const { group } = catalogue.describe(scope)
    groups.set(group, [...(groups.get(group) ?? []), scope])
  }
  if ([...groups.values()].every(({ length }) => length === 1)) return renderScopes(catalogue, scopes)
  return html`${[...groups].map(
    ([name, entries]) =>
      html`<h2>${name}</h2>
        ${renderScopes(catalogue, entries)}`,
  )}`
}

/** A list of scopes in words, with their names. */
export function renderScopes(catalogue: ScopeCatalogue, scopes: readonly string[]): Markup {
  return html`<ul>${scopes.map(
    (scope) => html`<li>${catalogue.describe(scope).words} <code>${scope}</code></li>`,
  )}</ul>`
}
