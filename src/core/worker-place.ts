/** The place of one worker among those of an installation. Who replaces it gets the same. */
export interface WorkerPlace {
  /** From 0. */
  readonly index: number
  readonly count: number
  /** Where workers reach each other: a folder for our user alone. */
  readonly folder: string
}
