/** How many workers an installation may have. */
export const mostWorkers = 256

/** The place of one worker among those of an installation. A replacement gets the same one. */
export interface WorkerPlace {
  /** Starts at 0. */
  readonly index: number
  readonly count: number
  /** Where workers reach each other: a folder that only our user can access. */
  readonly folder: string
}
