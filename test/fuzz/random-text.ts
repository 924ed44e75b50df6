/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
export type Random = () => number

/** Builds a source of numbers. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const keys = [
  'method',
  'params',
  'name',
  'uri',
  'id',
  'jsonrpc',
  '_meta',
  'arguments',
  'result',
  'ref',
  'Name',
  'a',
  '',
]
const texts = [
  '2.0',
  'tools/call',
  'add',
  'é',
  '\u{1f600}',
  'x'.repeat(40),
  'a\\b"c',
  '\n',
  '\ud800',
  '__proto__',
]
const pieces = [
  ...Array.from('{}[]",:0123456789.eE+-tfnu\\ \n\t\0a'),
  '\\u006d',
  '\\ud83d',
  '"a":',
  '":1,"',
  '\ufeff',
  'é',
  '{"',
  '"}',
]

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

/** A text that is JSON, nearly JSON, or no JSON at all: mostly messages of JSON-RPC, written in many ways and damaged. */
export function randomText(random: Random): string {
  const json = random() < 0.7 ? message(random) : value(random, 4)
  let text = json
  while (random() < 0.4) text = damage(random, text)
  return text
}

function message(random: Random): string {
  const params = members(random, [
    ['name', () => string(random)],
    ['arguments', () => value(random, 3)],
    ['_meta', () => value(random, 2)],
    [pick(random, keys), () => value(random, 2)],
  ])
  return members(random, [
    ['jsonrpc', () => '"2.0"'],
    ['id', () => (random() < 0.8 ? '1' : value(random, 0))],
    ['method', () => (random() < 0.8 ? '"tools/call"' : string(random))],
    ['params', () => (random() < 0.9 ? params : value(random, 2))],
    [pick(random, keys), () => value(random, 2)],
  ])
}

/** An object with most of these members, in any order. */
function members(random: Random, all: readonly (readonly [string, () => string])[]): string {
  const written = all
    .filter(() => random() < 0.85)
    .map(([key, write]) => `${space(random)}${spell(random, key)}${space(random)}:${space(random)}${write()}`)
  if (random() < 0.3) written.reverse()
  return `{${written.join(',')}${space(random)}}`
}

function value(random: Random, depth: number): string {
  const kind = random()
  if (depth > 0 && kind < 0.25)
    return members(
      random,
      Array.from({ length: Math.floor(random() * 12) }, () => [
        random() < 0.5 ? pick(random, keys) : `k${Math.floor(random() * 30)}`,
        () => value(random, depth - 1),
      ]),
    )
  if (depth > 0 && kind < 0.4)
    return `[${Array.from({ length: Math.floor(random() * 4) }, () => value(random, depth - 1)).join(',')}]`
  if (kind < 0.6) return string(random)
  if (kind < 0.8) return number(random)
  return pick(random, ['true', 'false', 'null'])
}

function string(random: Random): string {
  return spell(random, random() < 0.9 ? pick(random, [...texts, ...keys]) : longText(random))
}

/** A text beyond the length from which strings are read another way, with whatever is hard to read at any place. */
function longText(random: Random): string {
  const plain = 'x'.repeat(Math.floor(random() * 80))
  const rest = Array.from({ length: Math.floor(random() * 20) }, () =>
    pick(random, [...texts, '\\', '"', '\\\\']),
  )
  return plain + rest.join('')
}

/** Writes a text as JSON does, or with an escape where none is needed. */
function spell(random: Random, text: string): string {
  const plain = JSON.stringify(text)
  if (random() < 0.9 || text === '') return plain
  const code = text.charCodeAt(0).toString(16).padStart(4, '0')
  return `"\\u${code}${JSON.stringify(text.slice(1)).slice(1)}`
}

function number(random: Random): string {
  return pick(random, [
    '0',
    '-0',
    '1',
    '12345678901234567890',
    '1.0e2',
    '-1.5E-3',
    '1e999',
    '0.1',
    '01',
    '1.',
    '+1',
  ])
}

function space(random: Random): string {
  return random() < 0.9 ? '' : pick(random, [' ', '\n', '\t', '\r\n', '  '])
}

function damage(random: Random, text: string): string {
  const at = Math.floor(random() * (text.length + 1))
  const kind = random()
  if (kind < 0.3) return text.slice(0, at) + pick(random, pieces) + text.slice(at)
  if (kind < 0.6) return text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 3))
  if (kind < 0.8) return text.slice(0, at) + pick(random, pieces) + text.slice(at + 1)
  const length = Math.floor(random() * 20)
  return text.slice(0, at) + text.slice(at, at + length) + text.slice(at) // the same once more
}
