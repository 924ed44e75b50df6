const cutLevels = ['nothing', 'fragment', 'query'] as const
/** What a spelling of a URI omits; omitting the query also omits the fragment. */
export type CutLevel = (typeof cutLevels)[number]

const delimiters = { nothing: undefined, fragment: /#/, query: /[?#]/ } as const

/** A URI without what a level omits; undefined if it contains nothing of the kind. */
export function cutUri(uri: string, level: CutLevel): string | undefined {
  const delimiter = delimiters[level]
  const at = delimiter === undefined ? -1 : uri.search(delimiter)
  return at === -1 ? undefined : uri.slice(0, at)
}

/** For all spellings together, so that nobody keeps us busy with escapes of escapes. */
const mostCharacters = 262_144

/**
 * The ways in which a server may understand a URI, each with what it omits: as it is, as a URL parser writes
 * it, with its escapes decoded until none are left, without its fragment or query, and with them as part of
 * its path. So `file:///srv/%2e%2e/etc/passwd?x` does not evade a rule on `file:///etc/passwd`. A spelling
 * that is reached in two ways counts as the one that omits less. The first one is the URI itself. Untrusted
 * input; undefined if it is too long.
 */
export function spellingsOf(uri: string): ReadonlyMap<string, CutLevel> | undefined {
  const found = new Map<string, CutLevel>([[uri, 'nothing']])
  if (uri.length > mostCharacters) return undefined
  if (!/[%?#]/.test(uri) && parse(uri) === uri) return found
  let characters = uri.length
  for (const level of cutLevels) {
    // Iterating over a Map includes what is added meanwhile.
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
 * A URI pattern as it is and, if different, as the URLs that it means are written: `HTTPS://A.example:443/*`
 * is `https://a.example/*`, and escapes are in capitals. One with dot segments is taken literally, since
 * `file:///x/../*` is meant to forbid path traversal, and not every file.
 */
export function formsOf(pattern: string): readonly string[] {
  const written = dots.test(pattern) ? pattern : parse(pattern)
  return [...new Set([pattern, written.replaceAll(/%[\da-f]{2}/gi, (escape) => escape.toUpperCase())])]
}

/** What one more parser would make of a text. */
function readings(text: string): readonly string[] {
  const parsed = parse(text)
  const found = parsed.includes('%') ? [parsed, decode(parsed)] : [parsed]
  const asPath = resolveAsPath(text)
  return asPath === undefined ? found : [...found, asPath]
}

function parse(text: string): string {
  return URL.parse(text)?.href ?? text
}

/** Decodes escapes. Like many decoders, it leaves invalid ones alone and replaces invalid UTF-8 by U+FFFD. */
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

/**
 * For servers that take all of it for a path: to them `file:///srv/?/../../etc` is `file:///etc`, unlike to a
 * URL parser.
 */
function resolveAsPath(text: string): string | undefined {
  const at = text.search(/[?#]/)
  if (at === -1 || !dots.test(text.slice(at))) return undefined
  const escaped = text.replaceAll('?', '%3F').replaceAll('#', '%23')
  return URL.parse(escaped)?.href.replaceAll('%3F', '?').replaceAll('%23', '#')
}
