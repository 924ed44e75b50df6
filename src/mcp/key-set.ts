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
  /** Start and end of each key, as long as there are few; and how many of these numbers count. */
  readonly #spans: number[] = []
  #filled = 0
  #strings: Set<string> | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Forgets everything, for the next object. */
  clear(): void {
    this.#filled = 0 // an array that loses its length loses its memory as well
    this.#strings = undefined
  }

  /** Adds the key between two places of the text. Returns false where it is there already. */
  addSpan(start: number, end: number): boolean {
    if (this.#strings !== undefined || this.#filled === maxCompared * 2 || end - start > maxCharacters)
      return this.addString(this.#text.slice(start, end))
    for (let index = 0; index < this.#filled; index += 2) {
      const from = this.#spans[index] as number
      if ((this.#spans[index + 1] as number) - from === end - start && this.#equal(from, start, end))
        return false
    }
    this.#spans[this.#filled++] = start
    this.#spans[this.#filled++] = end
    return true
  }

  /** Adds a key that does not stand in the text as it is. */
  addString(key: string): boolean {
    const strings = (this.#strings ??= this.#stringsSoFar())
    return strings.size !== strings.add(key).size
  }

  #stringsSoFar(): Set<string> {
    const strings = new Set<string>()
    for (let index = 0; index < this.#filled; index += 2)
      strings.add(this.#text.slice(this.#spans[index], this.#spans[index + 1]))
    return strings
  }

  #equal(from: number, start: number, end: number): boolean {
    for (let at = start, other = from; at < end; at++, other++)
      if (this.#text.charCodeAt(at) !== this.#text.charCodeAt(other)) return false
    return true
  }
}
