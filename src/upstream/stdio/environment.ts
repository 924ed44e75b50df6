/** What programs need to run at all. */
const harmless = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TZ', 'TERM', 'TMPDIR']

const ours = 'PORTCULLIS_'

/**
 * What a stdio server gets to see of an environment: what every program needs, and the variables that are named; with
 * `*` among the names everything except Portcullis's own. Secrets of the gate are no business of a server.
 */
export function serverEnvironment(
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const all = names.includes('*')
  const passed = new Set([...harmless, ...names])
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (passed.has(entry[0]) || (all && !entry[0].startsWith(ours))),
  )
  return Object.fromEntries(entries)
}
