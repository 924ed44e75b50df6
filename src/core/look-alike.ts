import { domainToUnicode } from 'node:url'

/**
 * The letters, digits and signs that pass for a Latin letter at a glance, by the letter that they pass for: the
 * confusables of Unicode Technical Standard 39 in the scripts below, also those that differ by a stroke, small capitals,
 * and a few more. A capital is here where its small letter is not, or passes for another one.
 */
const passingFor: Readonly<Record<string, string>> = {
  a: 'аαɑ@ᴀᎪᗅꓮ',
  b: 'ьβʙƄᏏᑲᖯꞴВᏴᗷꓐɓƃƀ',
  c: 'сϲᴄⲥꮯꓚȼᑕ©',
  d: 'ԁᴅᏧᑯꓒᎠᗞᗪꓓɗɖƌđð',
  e: 'еε3ᴇꬲҽᎬꓰɇ',
  f: 'ꜰꬵꞙẝքϜᖴꓝƒᵮ',
  g: 'ɡցɢᶃƍԌᏀᏳꓖɠǥ',
  h: 'һհнʜᏂΗⲎᎻᕼꓧɦⱨħ',
  i: 'іιıɪɩꙇꭵɨᵻᵼⲒꓲ',
  j: 'јᴊϳꞲᎫᒍꓙɉ',
  k: 'кκᴋⲔᏦꓗƙⱪꝁ',
  l: 'ӏ1|ǀʟꞁƖⳐᏞᒪꓡłɭƚɫ',
  m: 'мᴍΜϺⲘᎷᗰꓟ',
  n: 'пոɴռΝⲚꓠɳƞɲᵰ',
  o: 'оοօσ0ᴏᴑꬽⲟჿꓳøꬾɵꝋ',
  p: 'рρᴘⲣᏢᑭꓑƥᵽ',
  q: 'ԛꞯգզʠ',
  r: 'гʀꭇꭈᴦⲅꮁᎡᏒᖇꓣɽɼɍᵲ',
  s: 'ѕ5$ꜱƽꮪՏᏕꓢʂᵴ',
  t: 'тτᴛⲦᎢꓔƭⱦʈŧᵵ',
  u: 'υսᴜꞟꭎꭒʋᑌꓴᵾʉ∪',
  v: 'νѵᴠꮩᐯꓦ',
  w: 'ԝѡωᴡɯաꮃᏔꓪꝡ',
  x: 'хχᕁᕽꞳⲬꓫ',
  y: 'уγʏɣᶌỿꭚүყΥⲨᎩᎽꓬƴɏ',
  z: 'ᴢꮓΖꓜʐƶȥᵶ',
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
  /** The same where separators count for nothing. */
  readonly apart: RegExp
  readonly hosts: readonly string[]
  readonly schemes: readonly string[]
}

/** Programs whose names are worth borrowing, with the addresses that are theirs. */
const knownPrograms: readonly KnownProgram[] = [
  {
    name: 'Claude',
    pattern: /claude|anthropic/,
    apart: lettersApart('claude', 'anthropic'),
    hosts: ['claude.ai', 'claude.com', 'anthropic.com'],
    schemes: ['claude:'],
  },
  {
    name: 'ChatGPT',
    pattern: /chat ?gpt|open ?ai\b/,
    apart: lettersApart('chatgpt', 'openai'),
    hosts: ['chatgpt.com', 'openai.com'],
    schemes: ['chatgpt:'],
  },
  {
    name: 'Cursor',
    // Not "cursory" or "cursorial", nor what ends in it.
    pattern: /\bcursor(?!y\b|i(?:al|ly)\b)/,
    apart: lettersApart('cursor'),
    hosts: ['cursor.com', 'cursor.sh'],
    schemes: ['cursor:'],
  },
  {
    name: 'Visual Studio Code',
    pattern: /vs ?code|visual ?studio/,
    apart: lettersApart('vscode', 'visualstudio'),
    hosts: ['vscode.dev', 'visualstudio.com'],
    schemes: ['vscode:', 'vscode-insiders:'],
  },
  {
    name: 'MCP Inspector',
    pattern: /mcp ?inspector/,
    apart: lettersApart('mcpinspector'),
    hosts: [],
    schemes: [],
  },
]

/**
 * The well-known program that a client's name or address reminds of, although the answer goes to an address that is
 * not one of that program's. The input is untrusted.
 */
export function borrowedName(clientName: string, redirect: URL): string | undefined {
  const names = looksOf(clientName)
  const looks = [...names, ...looksOf(domainToUnicode(redirect.hostname))]
  return knownPrograms.find(
    ({ pattern, apart, hosts, schemes }) =>
      (looks.some((look) => pattern.test(look)) || names.some((look) => apart.test(look))) &&
      !schemes.includes(redirect.protocol) &&
      !(redirect.protocol === 'https:' && hosts.some((host) => isWithin(redirect.hostname, host))),
  )?.name
}

/** Finds words the letters of which are whole words together: "cla ude", and not "parc l aude". */
function lettersApart(...words: readonly string[]): RegExp {
  return new RegExp(`\\b(?:${words.map((word) => Array.from(word).join(' ?')).join('|')})\\b`)
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
  /\p{Script=Canadian_Aboriginal}/u,
]

/** A text as it looks at a glance, where a capital I is one, and where it passes for an l. */
function looksOf(text: string): string[] {
  const letters = text.normalize('NFKD').replaceAll(/\p{M}/gu, '')
  return [inPlainLetters(letters), inPlainLetters(letters.replaceAll(capitalI, 'l'))]
}

/** In Latin, Greek, Cyrillic, Coptic and Lisu. */
const capitalI = /[I\u0399\u0406\u2c92\ua4f2]/gu

/** Plain lower-case letters, words apart by single spaces. */
function inPlainLetters(letters: string): string {
  const plain = (letter: string): string | undefined => plainLetter.get(letter)
  return Array.from(letters, (letter) => plain(letter) ?? plain(letter.toLowerCase()) ?? letter.toLowerCase())
    .join('')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
}

function isWithin(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`)
}
