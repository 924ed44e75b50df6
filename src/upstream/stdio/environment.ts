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

const soundsSecret = /key|secret|token|passw|credential|auth/i
/** Shorter texts stand in many lines by chance. */
const shortestSecret = 6

/**
 * The values in the environment of a server that must not stand in the log when the server prints them: of variables
 * that the operator named for it, and of those whose names sound like secrets.
 */
export function secretValues(
  names: readonly string[],
  environment: Readonly<Record<string, string>>,
): string[] {
  const isSecret = (name: string): boolean =>
    !harmless.includes(name) && (names.includes(name) || soundsSecret.test(name))
  const values = Object.entries(environment).filter(([name]) => isSecret(name))
  // The longest first: one may be a part of another.
  return values
    .map(([, value]) => value)
    .filter(({ length }) => length >= shortestSecret)
    .toSorted((one, other) => other.length - one.length)
}
