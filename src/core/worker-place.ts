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

/** Workers cannot reach each other in their folder. Has the fix for the operator. */
export class WorkerFolderUnusable extends Error {
  constructor(cause: unknown) {
    const short =
      'with a path of less than 50 characters, since that of a socket may have no more than about 100'
    super(
      `workers have no folder for their sockets (${(cause as Error).message}): set TMPDIR to one that this user may write to, ${short}`,
      { cause },
    )
    this.name = 'WorkerFolderUnusable'
  }
}
