import type { GrantHelpers } from '../grant-types/library-helpers.ts'

/**
 * The one place where oidc-provider is loaded. It warns about every Node without an LTS name, although it
 * runs on it, as the whole test suite shows. Everything else that it prints is passed on.
 */
const { console: output } = globalThis
const warn = output.warn.bind(output)
output.warn = (...texts: unknown[]): void => {
  if (!String(texts[0]).includes('Unsupported runtime')) warn(...texts)
}
const library = await import('oidc-provider')
/** Not a literal type: the library has no types for this module. */
const grantsModule: string = 'oidc-provider/lib/helpers/grants.js'
/**
 * The library's helpers for grants that are not its own (RFC 9449 section 5, RFC 8707 section 2.2). They are
 * not part of its public interface, so its exact version is pinned.
 */
export const grantHelpers = (await import(grantsModule)) as GrantHelpers
output.warn = warn

export const { Provider, errors, interactionPolicy, ExternalSigningKey } = library
