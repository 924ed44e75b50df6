/**
 * The one place where oidc-provider is loaded. It warns of every Node that has no LTS name yet, although it runs on
 * it: the whole test suite does. Everything else that it has to say is passed on.
 */
const { warn } = console
console.warn = (...texts: unknown[]): void => {
  if (!String(texts[0]).includes('Unsupported runtime')) warn(...texts)
}
const library = await import('oidc-provider')
console.warn = warn

export const { Provider, errors, interactionPolicy } = library
