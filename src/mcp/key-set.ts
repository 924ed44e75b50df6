/** Above this number, a set of strings is cheaper than comparing each key with all others. */
const maxCompared = 8
/** Longer keys are not parameter names, and are compared as strings. */
const maxCharacters = 64

/**
 * The keys of one JSON object, to find duplicates in time linear in their length. Keys without escapes are
 * compared in place, without copying them out of the text.
 */
export class KeySet {
  readonly #text: string
  /** Start and end of each key, as long as there are few, and how many of these numbers are in use. */
  readonly #spans: number[] = []
  #filled = 0
  #strings: Set<string> | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Forgets everything, for the next object. */
  clear(): void {
    this.#filled = 0 // setting the length of an array to 0 would release its memory
    this.#strings = undefined
  }

  /** Adds the key between two positions of the text. Returns false if it is already there. */
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

  /** Adds a key whose text contains escapes. */
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
