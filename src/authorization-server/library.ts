import type { GrantHelpers } from './grant-types/library-helpers.ts'

/**
 * The one place where oidc-provider is loaded. It warns of every Node that has no LTS name yet, although it runs on
 * it: the whole test suite does. Everything else that it has to say is passed on.
 */
const { console: output } = globalThis
const warn = output.warn.bind(output)
output.warn = (...texts: unknown[]): void => {
  if (!String(texts[0]).includes('Unsupported runtime')) warn(...texts)
}
const library = await import('oidc-provider')
/** What the library's own grants are made of: no part of its public interface, so its exact version is pinned. */
const grantsModule: string = 'oidc-provider/lib/helpers/grants.js'
const helpers = (await import(grantsModule)) as GrantHelpers
output.warn = warn

/** The helpers for grants that are registered from outside (RFC 9449 section 5, RFC 8707 section 2.2). */
export const grantHelpers = helpers

export const { Provider, errors, interactionPolicy, ExternalSigningKey } = library
