import { domainToUnicode } from 'node:url'

/**
 * The letters and digits that pass for a Latin one at a glance, by the letter that they pass for: what matters of the
 * confusables of Unicode Technical Standard 39 for the names below.
 */
const passingFor: Readonly<Record<string, string>> = {
  a: 'аαɑа@',
  b: 'ьβ',
  c: 'сϲс',
  d: 'ԁ',
  e: 'еε3',
  g: 'ɡց',
  h: 'һհн',
  i: 'іιı',
  j: 'ј',
  k: 'кκ',
  l: 'ӏ1|ǀ',
  m: 'м',
  n: 'пո',
  o: 'оοօσ0',
  p: 'рρ',
  q: 'ԛ',
  r: 'г',
  s: 'ѕ5$',
  t: 'тτ',
  u: 'υս',
  v: 'νѵ',
  w: 'ԝѡω',
  x: 'хχ',
  y: 'уγ',
}

const plainLetter: ReadonlyMap<string, string> = new Map(
  Object.entries(passingFor).flatMap(([plain, others]) =>
    Array.from(others, (other) => [other, plain] as const),
  ),
)

interface KnownProgram {
  readonly name: string
  /** What its name, or a name that claims it, looks like in plain letters. */
  readonly pattern: RegExp
  readonly hosts: readonly string[]
  readonly schemes: readonly string[]
}

/** Programs whose names are worth borrowing, with the addresses that are theirs. */
const knownPrograms: readonly KnownProgram[] = [
  {
    name: 'Claude',
    pattern: /claude|anthropic/,
    hosts: ['claude.ai', 'claude.com', 'anthropic.com'],
    schemes: ['claude:'],
  },
  {
    name: 'ChatGPT',
    pattern: /chat ?gpt|open ?ai\b/,
    hosts: ['chatgpt.com', 'openai.com'],
    schemes: ['chatgpt:'],
  },
  { name: 'Cursor', pattern: /\bcursor\b/, hosts: ['cursor.com', 'cursor.sh'], schemes: ['cursor:'] },
  {
    name: 'Visual Studio Code',
    pattern: /vs ?code|visual ?studio/,
    hosts: ['vscode.dev', 'visualstudio.com'],
    schemes: ['vscode:', 'vscode-insiders:'],
  },
  { name: 'MCP Inspector', pattern: /mcp ?inspector/, hosts: [], schemes: [] },
]

/**
 * The well-known program that a client's name or address reminds of, although the answer goes to an address that is
 * not one of that program's. The input is untrusted.
 */
export function borrowedName(clientName: string, redirect: URL): string | undefined {
  const looks = [clientName, domainToUnicode(redirect.hostname)].flatMap((text) => [
    inPlainLetters(text),
    inPlainLetters(text.replaceAll('I', 'l')),
  ])
  return knownPrograms.find(
    ({ pattern, hosts, schemes }) =>
      looks.some((look) => pattern.test(look)) &&
      !schemes.includes(redirect.protocol) &&
      !(redirect.protocol === 'https:' && hosts.some((host) => isWithin(redirect.hostname, host))),
  )?.name
}

/** Says whether a word mixes letters of scripts that look alike. The input is untrusted. */
export function mixesAlphabets(text: string): boolean {
  return text
    .split(/[^\p{L}\p{M}]+/u)
    .some((word) => lookAlikeScripts.filter((script) => script.test(word)).length > 1)
}

/** Says whether a host name is an internationalized one, which browsers may show in letters that look like others. */
export function isPunycode(hostname: string): boolean {
  return hostname.split('.').some((label) => label.startsWith('xn--'))
}

const lookAlikeScripts = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Coptic}/u,
  /\p{Script=Georgian}/u,
  /\p{Script=Lisu}/u,
]

/** A text as it looks at a glance: plain lower-case letters, words apart by single spaces. */
function inPlainLetters(text: string): string {
  const letters = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
  return Array.from(letters, (letter) => plainLetter.get(letter) ?? letter)
    .join('')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
}

function isWithin(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`)
}
