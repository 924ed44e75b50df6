/** Above this a set of strings is cheaper than comparing each key with each. */
const maxCompared = 8
/** A key that is longer than this is no name of a parameter, and is compared as a string. */
const maxCharacters = 64

/**
 * The keys of one JSON object, to find one that stands twice, in time linear in their length. Keys without escapes are
 * compared where they stand, without being taken out of the text.
 */
export class KeySet {
  readonly #text: string
  /** Start and end of each key, as long as there are few. */
  #spans: number[] = []
  #strings: Set<string> | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Forgets everything, for the next object. */
  clear(): void {
    this.#spans.length = 0
    this.#strings = undefined
  }

  /** Adds the key between two places of the text. Returns false where it is there already. */
  addSpan(start: number, end: number): boolean {
    if (this.#strings !== undefined || this.#spans.length === maxCompared * 2 || end - start > maxCharacters)
      return this.addString(this.#text.slice(start, end))
    for (let index = 0; index < this.#spans.length; index += 2) {
      const from = this.#spans[index] as number
      if ((this.#spans[index + 1] as number) - from === end - start && this.#equal(from, start, end))
        return false
    }
    this.#spans.push(start, end)
    return true
  }

  /** Adds a key that does not stand in the text as it is. */
  addString(key: string): boolean {
    const strings = (this.#strings ??= this.#stringsSoFar())
    return strings.size !== strings.add(key).size
  }

  #stringsSoFar(): Set<string> {
    const strings = new Set<string>()
    for (let index = 0; index < this.#spans.length; index += 2)
      strings.add(this.#text.slice(this.#spans[index], this.#spans[index + 1]))
    return strings
  }

  #equal(from: number, start: number, end: number): boolean {
    for (let at = start, other = from; at < end; at++, other++)
      if (this.#text.charCodeAt(at) !== this.#text.charCodeAt(other)) return false
    return true
  }
}
