import type { Config } from '../../config/schema.ts'
import type { Base } from '../base.ts'

/** What the listings need. */
export interface ListingPorts extends Pick<Base, 'store' | 'secret' | 'clock' | 'trail'> {
  /** The current configuration. */
  readonly config: () => Config
  /** The name of a subject. */
  readonly nameOf: (subject: string) => Promise<string>
}
