import { JsonRefused } from '../../src/mcp/json.ts'

/** Reads strict JSON in the plainest way, which builds everything: what the reader in use is measured against. */
export function parsePlainly(text: string, maxDepth: number): unknown {
  return new PlainParser(text, maxDepth).parse()
}

const maxValues = 100_000
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

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

class PlainParser {
  readonly #text: string
  readonly #maxDepth: number
  #at = 0
  #values = 0

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
  }

  parse(): unknown {
    const value = this.#value(0)
    this.#skipSpace()
    if (this.#at < this.#text.length) this.#refuse('unexpected text after the value')
    return value
  }

  #value(depth: number): unknown {
    if (++this.#values > maxValues) this.#refuse('too many values')
    this.#skipSpace()
    switch (this.#text.charCodeAt(this.#at)) {
      case character.openBrace:
        return this.#object(depth + 1)
      case character.openBracket:
        return this.#array(depth + 1)
      case character.quote:
        return this.#string()
      case 0x74:
        return this.#word('true', true)
      case 0x66:
        return this.#word('false', false)
      case 0x6e:
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #object(depth: number): Record<string, unknown> {
    if (depth > this.#maxDepth) this.#refuse('nesting is too deep')
    const object: Record<string, unknown> = {}
    this.#at++
    this.#skipSpace()
    if (this.#take(character.closeBrace)) return object
    do {
      this.#skipSpace()
      if (this.#text.charCodeAt(this.#at) !== character.quote) this.#refuse('expected a key')
      const keyAt = this.#at
      const key = this.#string()
      if (Object.hasOwn(object, key)) this.#refuse('a key stands twice', keyAt)
      if (!key.isWellFormed()) this.#refuse('a key is not well-formed text', keyAt)
      this.#skipSpace()
      if (!this.#take(character.colon)) this.#refuse('expected a colon')
      const value = this.#value(depth)
      if (key === '__proto__') define(object, key, value)
      else object[key] = value
      this.#skipSpace()
    } while (this.#take(character.comma))
    if (!this.#take(character.closeBrace)) this.#refuse('expected a comma or the end of an object')
    return object
  }

  #array(depth: number): unknown[] {
    if (depth > this.#maxDepth) this.#refuse('nesting is too deep')
    const array: unknown[] = []
    this.#at++
    this.#skipSpace()
    if (this.#take(character.closeBracket)) return array
    do {
      array.push(this.#value(depth))
      this.#skipSpace()
    } while (this.#take(character.comma))
    if (!this.#take(character.closeBracket)) this.#refuse('expected a comma or the end of an array')
    return array
  }

  #string(): string {
    const text = this.#text
    const start = this.#at + 1
    let at = start
    let escaped = false
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === character.quote) break
      if (code === character.backslash) {
        escaped = true
        at += 2
      } else if (code >= character.space) at++
      else this.#refuse(at < text.length ? 'a control character in a string' : 'a string does not end', at)
      if (at > text.length) this.#refuse('a string does not end')
    }
    this.#at = at + 1
    return escaped ? this.#unescape(start - 1) : text.slice(start, at)
  }

  #unescape(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string
    } catch {
      return this.#refuse('a wrong escape in a string', start)
    }
  }

  #number(): number {
    numberPattern.lastIndex = this.#at
    const match = numberPattern.exec(this.#text)
    if (match === null) return this.#refuse('expected a value')
    this.#at = numberPattern.lastIndex
    return Number(match[0])
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#refuse('expected a value')
    this.#at += word.length
    return value
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (
        code !== character.space &&
        code !== character.lineFeed &&
        code !== character.carriageReturn &&
        code !== character.tab
      )
        return
      this.#at++
    }
  }

  #take(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false
    this.#at++
    return true
  }

  #refuse(problem: string, position = this.#at): never {
    throw new JsonRefused(problem, position)
  }
}

/** Assigning to `__proto__` would change the prototype; defining it makes an ordinary member. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}
