import type { Config } from '../../config/schema.ts'
import type { Base } from '../base.ts'

/** What the listings work with. */
export interface ListingPorts extends Pick<Base, 'store' | 'secret' | 'clock' | 'trail'> {
  /** The configuration as it is now. */
  readonly config: () => Config
  /** Who a subject is. */
  readonly nameOf: (subject: string) => Promise<string>
}

/** The most rows of a listing. */
export const mostRows = 500

/** A time for people, in UTC to the minute. */
export function when(milliseconds: number | undefined): string {
  return milliseconds === undefined
    ? 'never'
    : new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')
}
