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
output.warn = warn

export const { Provider, errors, interactionPolicy } = library
