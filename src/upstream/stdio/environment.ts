const ofUnix = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'TZ', 'TERM', 'TMPDIR']
const ofWindows = [
  'APPDATA',
  'COMSPEC',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATHEXT',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMDATA',
  'PROGRAMFILES',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'TMP',
  'USERNAME',
  'USERPROFILE',
  'WINDIR',
]
/** What programs need to run at all. Each is passed wherever it is set, since some are on both systems. */
const harmless = [...ofUnix, ...ofWindows]

const ours = 'PORTCULLIS_'

/**
 * The part of an environment that a stdio server gets to see: what every program needs, and the named
 * variables; if the names include `*`, everything except Portcullis's own, and what is `withheld` from `*`. The
 * gateway's secrets are no business of a server.
 */
export function serverEnvironment(
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  withheld: readonly string[] = [],
): Record<string, string> {
  // Windows finds `PATH` where it lists `Path`, so ours may have any spelling, and each other is looked up.
  const notMeant = new Set(withheld.map((name) => name.toUpperCase()))
  const others = Object.keys(environment).filter((name) => {
    const known = name.toUpperCase()
    return !known.startsWith(ours) && !notMeant.has(known)
  })
  const all = names.includes('*') ? others : []
  const entries = [...all, ...harmless, ...names].map((name) => [name, environment[name]] as const)
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

const soundsSecret = /key|secret|token|pass[wp]|(?:^|_)pass(?:_|$)|_pwd$|credential|auth/i
/** Shorter texts appear in many lines by chance. */
const shortestSecret = 6

/**
 * The values in a server's environment that are hidden in the log if the server prints them: of variables
 * that the operator named for it, and of those whose names suggest secrets. The log gets one line at a time, so
 * a value of several, such as a private key, is its lines.
 */
export function secretValues(
  names: readonly string[],
  environment: Readonly<Record<string, string>>,
): string[] {
  const isSecret = (name: string): boolean =>
    !harmless.includes(name) && (names.includes(name) || soundsSecret.test(name))
  const values = Object.entries(environment).filter(([name]) => isSecret(name))
  // Longest first, since one may be part of another.
  return values
    .flatMap(([, value]) => linesOf(value))
    .filter(({ length }) => length >= shortestSecret)
    .toSorted((one, other) => other.length - one.length)
}

function linesOf(value: string): string[] {
  return value.split(/[\r\n]+/).map((line) => line.trim())
}
