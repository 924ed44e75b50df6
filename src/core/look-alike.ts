import { domainToUnicode } from 'node:url'

/**
 * The letters, digits and signs that look like a Latin letter at a glance, by that letter: the confusables of
 * Unicode Technical Standard 39 in the scripts below, those that differ by a stroke, small capitals, and a
 * few more. A capital is listed if its small letter is not, or if that looks like a different letter.
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
  /** Finds the program's name, or its maker's, in plain letters. */
  readonly pattern: RegExp
  /** The same for a name whose letters are spread over several words. */
  readonly apart: RegExp
  readonly hosts: readonly string[]
  readonly schemes: readonly string[]
}

/** Programs whose names are worth imitating, with their own addresses. */
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
    // Not "cursory" or "cursorial", nor words that end in "cursor".
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
 * The well-known program that a client's name or address resembles although the redirect goes to an address
 * that is not that program's. The input is untrusted.
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

/** Finds words spread over several whole words: "cla ude", but not "parc l aude". */
function lettersApart(...words: readonly string[]): RegExp {
  return new RegExp(`\\b(?:${words.map((word) => Array.from(word).join(' ?')).join('|')})\\b`)
}

/** Whether a word mixes letters of scripts that look alike. The input is untrusted. */
export function mixesAlphabets(text: string): boolean {
  return text
    .split(/[^\p{L}\p{M}]+/u)
    .some((word) => lookAlikeScripts.filter((script) => script.test(word)).length > 1)
}

/** Whether a host name is an internationalized one, which browsers may show in look-alike letters. */
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

/** What a text may look like at a glance: with a capital I as an i, and as an l. */
function looksOf(text: string): string[] {
  const letters = text.normalize('NFKD').replaceAll(/\p{M}/gu, '')
  return [inPlainLetters(letters), inPlainLetters(letters.replaceAll(capitalI, 'l'))]
}

/** In Latin, Greek, Cyrillic, Coptic and Lisu. */
const capitalI = /[I\u0399\u0406\u2c92\ua4f2]/gu

/** Plain lower-case letters; words are separated by single spaces. */
function inPlainLetters(letters: string): string {
  const plain = (letter: string): string | undefined => plainLetter.get(letter)
  return Array.from(letters, (letter) => plain(letter) ?? plain(letter.toLowerCase()) ?? letter.toLowerCase())
    .join('')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
}

function isWithin(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`)
}
