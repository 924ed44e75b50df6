import type { JsonObject } from '../core/json-object.ts'
import { KeySet } from './key-set.ts'

/** Why a text was refused. Contains no part of the text. */
export class JsonRefused extends Error {
  constructor(problem: string, position: number) {
    super(`${problem} at character ${position}`)
    this.name = 'JsonRefused'
  }
}

/**
 * What is only checked and not built: all of a value, nothing of it, or some members of an object and of each
 * object in an array.
 */
export type Omission = 'all' | 'none' | ReadonlyMap<string, Omission>

/** Replaces what was not built, so that nobody mistakes it for something missing. */
const unread: unique symbol = Symbol('unread')

/**
 * Parses JSON (RFC 8259) so that no other parser can read it differently. Refuses duplicate keys in an
 * object, keys with a lone surrogate, nesting beyond `maxDepth`, more than 100,000 values (small ones take
 * far more memory than text), and every extension of the grammar. `__proto__` is a key like any other. What
 * `omit` names is checked as strictly as the rest. Throws JsonRefused. The input is untrusted; the time is
 * linear in its length.
 */
export function parseStrictJson(text: string, maxDepth: number, omit: Omission = 'none'): unknown {
  const parser = new StrictParser(text, maxDepth)
  return parser.parse(omit)
}

const maxValues = 100_000
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** From this length on, the engine's own string reader is cheaper than looking at each character. */
const longRun = 64
const plainEscapes = '"\\/bfnrt'
const unicodeEscape = /[\da-fA-F]{4}/y

const character = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const

class StrictParser {
  readonly #text: string
  readonly #maxDepth: number
  /** One per depth, since only one object of a depth is open at a time. */
  readonly #keys: KeySet[] = []
  readonly #isWellFormed: boolean
  #at = 0
  #values = 0

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
    this.#isWellFormed = text.isWellFormed()
  }

  parse(omit: Omission): unknown {
    const value = this.#value(0, omit)
    this.#next()
    if (this.#at < this.#text.length) this.#refuse('unexpected text after the value')
    return value
  }

  #value(depth: number, omit: Omission): unknown {
    if (++this.#values > maxValues) this.#refuse('too many values')
    const code = this.#next()
    const start = this.#at
    switch (code) {
      case character.openBrace:
        return this.#object(depth + 1, omit)
      case character.openBracket:
        return this.#array(depth + 1, omit)
      case character.quote: {
        const hasEscapes = this.#skipString()
        return omit === 'all' ? unread : this.#string(start, hasEscapes)
      }
      case 0x74:
        return this.#word('true', true)
      case 0x66:
        return this.#word('false', false)
      case 0x6e:
        return this.#word('null', null)
      default:
        this.#skipNumber()
        return omit === 'all' ? unread : Number(this.#text.slice(start, this.#at))
    }
  }

  #object(depth: number, omit: Omission): JsonObject | typeof unread {
    if (depth > this.#maxDepth) this.#refuse('nesting is too deep')
    const object: Record<string, unknown> | undefined = omit === 'all' ? undefined : {}
    const keys = (this.#keys[depth] ??= new KeySet(this.#text))
    keys.clear()
    this.#at++
    if (this.#next() === character.closeBrace) {
      this.#at++
      return object ?? unread
    }
    do {
      if (this.#next() !== character.quote) this.#refuse('expected a key')
      const key = this.#key(keys, object !== undefined)
      if (this.#next() !== character.colon) this.#refuse('expected a colon')
      this.#at++
      const value = this.#value(depth, typeof omit === 'string' ? omit : (omit.get(key) ?? 'none'))
      if (object !== undefined) put(object, key, value)
    } while (this.#goesOn(character.closeBrace, 'expected a comma or the end of an object'))
    return object ?? unread
  }

  /** Reads a key, which must be new in its object. Returns it if it is wanted, otherwise the empty string. */
  #key(keys: KeySet, isWanted: boolean): string {
    const start = this.#at
    const hasEscapes = this.#skipString()
    const isPlain = !hasEscapes && this.#isWellFormed
    const key = isPlain && !isWanted ? '' : this.#string(start, hasEscapes)
    const isNew = isPlain ? keys.addSpan(start + 1, this.#at - 1) : keys.addString(key)
    if (!isNew) this.#refuse('a key stands twice', start)
    if (!isPlain && !key.isWellFormed()) this.#refuse('a key is not well-formed text', start)
    return key
  }

  #array(depth: number, omit: Omission): unknown[] | typeof unread {
    if (depth > this.#maxDepth) this.#refuse('nesting is too deep')
    const array: unknown[] | undefined = omit === 'all' ? undefined : []
    this.#at++
    if (this.#next() === character.closeBracket) {
      this.#at++
      return array ?? unread
    }
    do {
      const value = this.#value(depth, omit)
      array?.push(value)
    } while (this.#goesOn(character.closeBracket, 'expected a comma or the end of an array'))
    return array ?? unread
  }

  /** Skips the comma before another member, or the end. */
  #goesOn(end: number, problem: string): boolean {
    const code = this.#next()
    if (code !== character.comma && code !== end) this.#refuse(problem)
    this.#at++
    return code === character.comma
  }

  /** The string that was just skipped. */
  #string(start: number, hasEscapes: boolean): string {
    return hasEscapes
      ? (JSON.parse(this.#text.slice(start, this.#at)) as string)
      : this.#text.slice(start + 1, this.#at - 1)
  }

  /** Skips a string and returns whether it has escapes. */
  #skipString(): boolean {
    const text = this.#text
    const start = this.#at
    const longFrom = start + longRun
    let at = start + 1
    let hasEscapes = false
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === character.quote) break
      if (code === character.backslash) {
        at = this.#skipEscape(at + 1, start)
        hasEscapes = true
      } else if (code >= character.space) at++
      else this.#refuse(at < text.length ? 'a control character in a string' : 'a string does not end', at)
      if (at >= longFrom) return this.#skipLongString(start, at)
    }
    this.#at = at + 1
    return hasEscapes
  }

  /** Skips a string that does not end before `from`, where no escape is in progress. */
  #skipLongString(start: number, from: number): boolean {
    const end = this.#endOfString(start, from)
    let value: string
    try {
      value = JSON.parse(this.#text.slice(start, end + 1)) as string
    } catch {
      return this.#refuse('a control character or a wrong escape in a string', start)
    }
    this.#at = end + 1
    return value.length !== end - start - 1 // an escape is longer than what it stands for
  }

  /** The first quote that is not escaped by a backslash. */
  #endOfString(start: number, from: number): number {
    const text = this.#text
    for (let quote = text.indexOf('"', from); quote !== -1; quote = text.indexOf('"', quote + 1)) {
      let before = quote
      while (before > from && text.charCodeAt(before - 1) === character.backslash) before--
      if ((quote - before) % 2 === 0) return quote
    }
    return this.#refuse('a string does not end', start)
  }

  #skipEscape(at: number, start: number): number {
    const escape = this.#text.charAt(at)
    if (escape === 'u') {
      unicodeEscape.lastIndex = at + 1
      if (unicodeEscape.test(this.#text)) return at + 5
    } else if (escape !== '' && plainEscapes.includes(escape)) return at + 1
    return this.#refuse('a wrong escape in a string', start)
  }

  #skipNumber(): void {
    numberPattern.lastIndex = this.#at
    if (!numberPattern.test(this.#text)) this.#refuse('expected a value')
    this.#at = numberPattern.lastIndex
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#refuse('expected a value')
    this.#at += word.length
    return value
  }

  /**
   * Skips whitespace and returns the next character code, or -1 at the end, since reading beyond it is slow.
   */
  #next(): number {
    const text = this.#text
    for (let at = this.#at; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code > character.space || !isSpace(code)) {
        this.#at = at
        return code
      }
    }
    this.#at = text.length
    return -1
  }

  #refuse(problem: string, position = this.#at): never {
    throw new JsonRefused(problem, position)
  }
}

function isSpace(code: number): boolean {
  return (
    code === character.space ||
    code === character.lineFeed ||
    code === character.carriageReturn ||
    code === character.tab
  )
}

/** Assigning to `__proto__` would change the prototype; defining it makes an ordinary member. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}
