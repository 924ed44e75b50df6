/** The store cannot be reached at the moment. Nothing is wrong with the request: the same one can be made again. */
export class StoreAway extends Error {
  constructor(cause: unknown) {
    super(`the store cannot be reached: ${(cause as Error).message}`, { cause })
    this.name = 'StoreAway'
  }
}

/** When a caller may try again, in seconds. */
export const storeAwaySeconds = 5
