/** Where events are copied to, besides the files. */
export interface Sink {
  /** Names it in the log and beside the events. */
  readonly name: string
  /**
   * Takes lines over, in their order. Resolves when they are safe there, rejects when they may not be: then all of them
   * come again, so that the same event can arrive twice, and is known by its chain and number.
   */
  deliver(lines: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** Writes a line in the form that a sink wants. */
export type FormatLine = (line: string) => string
