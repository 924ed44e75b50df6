/** Receives copies of the events, in addition to the files. */
export interface Sink {
  /** Its name in the log and next to the events. */
  readonly name: string
  /**
   * Accepts lines in order. Resolves when they are safe there, and rejects when they may not be: then all of
   * them are sent again, so that an event can arrive twice, which shows by its chain and number.
   */
  deliver(lines: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** Writes a line in the format of a sink. */
export type FormatLine = (line: string) => string
