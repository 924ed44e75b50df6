const cutLevels = ['nothing', 'fragment', 'query'] as const
/** What a spelling of a URI leaves away; with the query goes the fragment. */
export type CutLevel = (typeof cutLevels)[number]

const delimiters = { nothing: undefined, fragment: /#/, query: /[?#]/ } as const

/** A URI without what a level leaves away; undefined where it has nothing of that. */
export function cutUri(uri: string, level: CutLevel): string | undefined {
  const delimiter = delimiters[level]
  const at = delimiter === undefined ? -1 : uri.search(delimiter)
  return at === -1 ? undefined : uri.slice(0, at)
}

/** In all spellings together, so that nobody keeps us busy with escapes of escapes. */
const mostCharacters = 262_144

/**
 * The ways in which a server may understand a URI, each with what it leaves away: as it stands, as a URL parser writes it,
 * with its escapes resolved as often as it has some, without its fragment or query, and with them as part of its path. So
 * `file:///srv/%2e%2e/etc/passwd?x` is no way round a rule on `file:///etc/passwd`. A spelling that is found in two ways
 * counts as the one that leaves less away. The first one is the URI itself. Untrusted input; undefined where it is too long.
 */
export function spellingsOf(uri: string): ReadonlyMap<string, CutLevel> | undefined {
  const found = new Map<string, CutLevel>([[uri, 'nothing']])
  if (uri.length > mostCharacters) return undefined
  if (!/[%?#]/.test(uri) && parse(uri) === uri) return found
  let characters = uri.length
  for (const level of cutLevels) {
    // A Map gives what is added meanwhile as well.
    for (const [text, reached] of found) {
      const cut = cutUri(text, level)
      const read = reached === level ? readings(text) : []
      for (const next of cut === undefined ? read : [cut, ...read]) {
        if (found.has(next)) continue
        characters += next.length
        if (characters > mostCharacters) return undefined
        found.set(next, level)
      }
    }
  }
  return found
}

/**
 * A pattern of URIs as it stands, and as URLs are written that it means, where that is different: `HTTPS://A.example:443/*`
 * is `https://a.example/*`, and escapes are in capitals. One with dot segments is taken to the letter, since
 * `file:///x/../*` forbids ways round a path, and not every file.
 */
export function formsOf(pattern: string): readonly string[] {
  const written = dots.test(pattern) ? pattern : parse(pattern)
  return [...new Set([pattern, written.replaceAll(/%[\da-f]{2}/gi, (escape) => escape.toUpperCase())])]
}

/** What one more parser makes of a text. */
function readings(text: string): readonly string[] {
  const parsed = parse(text)
  const found = parsed.includes('%') ? [parsed, decode(parsed)] : [parsed]
  const asPath = resolveAsPath(text)
  return asPath === undefined ? found : [...found, asPath]
}

function parse(text: string): string {
  return URL.parse(text)?.href ?? text
}

/** Resolves escapes. Many decoders leave alone what is none, and take U+FFFD for what is no UTF-8. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text.replaceAll(/(?:%[\da-f]{2})+/gi, (run) =>
      Buffer.from(run.replaceAll('%', ''), 'hex').toString(),
    )
  }
}

const dots = /[/\\](?:\.|%2e){1,2}(?:[/\\]|$)/i

/** For whoever takes all of it for a path: `file:///srv/?/../../etc` is `file:///etc` to them, as it is to no URL parser. */
function resolveAsPath(text: string): string | undefined {
  const at = text.search(/[?#]/)
  if (at === -1 || !dots.test(text.slice(at))) return undefined
  const escaped = text.replaceAll('?', '%3F').replaceAll('#', '%23')
  return URL.parse(escaped)?.href.replaceAll('%3F', '?').replaceAll('%23', '#')
}
