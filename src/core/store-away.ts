import { reasonOf } from './reason-of.ts'

/** The store cannot be reached at the moment. Nothing is wrong with the request, which can be repeated. */
export class StoreAway extends Error {
  constructor(cause: unknown) {
    super(`the store cannot be reached: ${reasonOf(cause)}`, { cause })
    this.name = 'StoreAway'
  }
}

/** When a caller may try again, in seconds. */
export const storeAwaySeconds = 5
