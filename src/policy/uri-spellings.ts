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
/** Each level of escapes adds one, or some: nobody writes so many. */
const mostSpellings = 64
/** More than any language needs (UAX #15, Stream-Safe Text Format); putting them in order takes quadratic time. */
const tooManyMarks = /\p{M}{31}/u

/**
 * The ways in which a server may understand a URI, each with what it omits: as it is, as a URL parser writes
 * it, as a file system does, with its escapes decoded until none are left, without its fragment or query, and
 * with them as part of its path. So `file:///srv/%2e%2e/etc/passwd?x` does not evade a rule on
 * `file:///etc/passwd`. A spelling that is reached in two ways counts as the one that omits less. The first one
 * is the URI itself. Untrusted input; undefined if it is too long, or nothing that anybody writes.
 */
export function spellingsOf(uri: string): ReadonlyMap<string, CutLevel> | undefined {
  const found = new Map<string, CutLevel>([[uri, 'nothing']])
  if (uri.length > mostCharacters || tooManyMarks.test(uri)) return undefined
  if (!/[%?#]/.test(uri) && parse(uri) === uri && asFile(uri) === uri) return found
  let characters = uri.length
  for (const level of cutLevels) {
    // Iterating over a Map includes what is added meanwhile.
    for (const [text, reached] of found) {
      const cut = cutUri(text, level)
      const read = reached === level ? readings(text) : []
      for (const next of cut === undefined ? read : [cut, ...read]) {
        if (found.has(next)) continue
        characters += next.length
        if (characters > mostCharacters || tooManyMarks.test(next)) return undefined
        found.set(next, level)
        if (found.size > mostSpellings) return undefined
      }
    }
  }
  return found
}

/**
 * A URI pattern as it is and, if different, as the URLs that it means are written: `HTTPS://A.example:443/*`
 * is `https://a.example/*`, and escapes are in capitals. One with dot segments is taken literally.
 */
export function formsOf(pattern: string): readonly string[] {
  const written = dots.test(pattern) ? pattern : parse(pattern)
  return [...new Set([pattern, written.replaceAll(/%[\da-f]{2}/gi, (escape) => escape.toUpperCase())])]
}

/**
 * All that a URI pattern means where it forbids: also what is left without its dot segments, and the normal
 * form of each. `..` after an asterisk or directly before one is taken literally, since `file:///x/../*` is
 * meant to forbid path traversal, and not every file.
 */
export function forbiddenForms(pattern: string): readonly string[] {
  const [before = ''] = pattern.split('*', 1)
  const after = pattern.slice(before.length)
  const isLiteral = parents.test(after) || (after !== '' && endsInParent.test(before))
  return withNormalForms(isLiteral ? formsOf(pattern) : [...formsOf(pattern), parse(pattern)])
}

/** Texts, each followed by its normal form if that is another text. */
function withNormalForms(texts: Iterable<string>): readonly string[] {
  return [...new Set([...texts].flatMap((text) => [text, normalForm(text)]))]
}

/**
 * Texts, each followed by those that name the same to many servers: without user information, without the dot
 * after a host, and without the host of a file, which many look for at home, whatever it is.
 */
export function withLooserForms(texts: Iterable<string>): readonly string[] {
  return withNormalForms([...texts].flatMap((text) => [text, looserForm(text)]))
}

const schemeAndAuthority = /^([a-z][a-z\d+.-]*:\/\/)([^/?#]*)/i

/** As text, since many servers read more than a URL parser does: to it, the host of a file has no port. */
function looserForm(text: string): string {
  return text.replace(schemeAndAuthority, (_, start: string, authority: string) => {
    if (start.toLowerCase() === 'file://') return start
    return start + authority.slice(authority.lastIndexOf('@') + 1).replace(/\.(?=:\d*$|$)/, '')
  })
}

/**
 * Equivalent URIs have the same one: scheme and host are in lower case, whatever the scheme, only reserved
 * characters are escaped, in capitals (RFC 3986 section 6.2.2), and the others are in NFC (RFC 3987 section
 * 5.3.2.2).
 */
function normalForm(text: string): string {
  return text
    .replaceAll(/(?:%[\da-f]{2})+/gi, (run) =>
      decode(run).replaceAll(/[^\w.~\u{80}-\u{10ffff}-]/gu, toEscape),
    )
    .replace(schemeAndAuthority, (start) => start.toLowerCase())
    .normalize('NFC')
}

/** How a URI of an operator is used. */
interface UriUse {
  readonly isPattern: boolean
  readonly forbids: boolean
}

/**
 * How a URI of an operator is written for being compared with those of callers, which are looked at in this
 * form: scheme and host in lower case, no default port, and no dot segments, which a pattern may contain.
 * What forbids is also in the normal form of which callers cannot keep away. Undefined if it is written so.
 */
export function comparableForm(uri: string, use: UriUse): string | undefined {
  const normal = use.forbids ? inSmallScheme(withPlainEscapes(uri)) : uri
  const parsed = use.isPattern ? parsePattern(normal) : parse(normal)
  const differs = schemeAndAuthority.exec(normal)?.[0] !== schemeAndAuthority.exec(parsed)?.[0]
  if (differs || (!use.isPattern && (dots.test(normal) || (use.forbids && !isReached(normal, parsed)))))
    return parsed
  return normal === uri ? undefined : normal
}

/** A pattern as the URLs that it means are written, as far as their parts do not begin in an asterisk. */
function parsePattern(text: string): string {
  if (/^[a-z][a-z\d+.-]*:\/?\*/i.test(text)) return text
  const parsed = parse(text)
  return text.endsWith('*') && parsed.endsWith('*/') ? parsed.slice(0, -1) : parsed
}

/** Whether a URI is looked at where a caller writes it as a URL parser does. */
function isReached(uri: string, parsed: string): boolean {
  return spellingsOf(parsed)?.has(uri) !== false
}

/** Escapes in capitals, and none where none is needed. */
function withPlainEscapes(text: string): string {
  return text
    .replaceAll(/%[\da-f]{2}/gi, (escape) => {
      const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
      return /[\w.~-]/.test(character) ? character : escape.toUpperCase()
    })
    .normalize('NFC')
}

function inSmallScheme(text: string): string {
  const start = schemeAndAuthority.test(text) ? schemeAndAuthority : scheme
  return text.replace(start, (found) => found.toLowerCase())
}

function toEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/** What one more parser would make of a text. */
function readings(text: string): readonly string[] {
  const parsed = parse(text)
  const found = parsed.includes('%') ? [parsed, decode(parsed)] : [parsed]
  const asPath = resolveAsPath(text)
  return [...found, pathAsFile(text), ...(asPath === undefined ? [] : [asPath, asFile(text)])]
}

/**
 * The forms of a URI pattern, other than itself, that match a URI whose repeated slashes were made one. One with
 * dot segments has none.
 */
export function foldedForms(pattern: string): readonly string[] {
  return dots.test(pattern) ? [] : [pathAsFile(pattern), asFile(pattern)]
}

function parse(text: string): string {
  return URL.parse(text)?.href ?? text
}

const scheme = /^[a-z][a-z\d+.-]*:(?:\/\/)?/i

/**
 * For servers that take what follows the scheme for a path in a file system, where repeated slashes are one, and
 * dot segments count in every scheme: to them `file:///srv//../etc` is `file:///etc`, where a URL parser only
 * leaves out the empty segment, and `notes:public/../secret` is `notes:secret`.
 */
function asFile(text: string): string {
  const [start = ''] = scheme.exec(text) ?? []
  const path = text.slice(start.length)
  return start + resolvePath(dots.test(text) ? path.replaceAll('\\', '/') : path)
}

/** The same for its path alone. */
function pathAsFile(text: string): string {
  const path = cutUri(text, 'query') ?? text
  return asFile(path) + text.slice(path.length)
}

/** As `posix.normalize` does it, which takes quadratic time. */
function resolvePath(path: string): string {
  const isAbsolute = path.startsWith('/')
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment !== '..') segments.push(segment)
    else if (segments.length > 0 && segments.at(-1) !== '..') segments.pop()
    else if (!isAbsolute) segments.push(segment)
  }
  const resolved = `${isAbsolute ? '/' : ''}${segments.join('/')}`
  return path.endsWith('/') && segments.length > 0 ? `${resolved}/` : resolved
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
const parents = /[/\\](?:\.|%2e){2}(?:[/\\]|$)/i
const endsInParent = /[/\\](?:\.|%2e){2}[/\\]$/i

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
