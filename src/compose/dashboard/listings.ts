import type { Listing } from '../../admin/contract.ts'
import { clientListing } from './clients.ts'
import { grantListing } from './grants.ts'
import { keyListing } from './keys.ts'
import type { ListingPorts } from './listing-ports.ts'
import { recordActions } from './record-actions.ts'
import { sessionListing } from './sessions.ts'
import { userListing } from './users.ts'

/** What the store holds, with what an operator can do about it. */
export function buildListings(ports: ListingPorts): readonly Listing[] {
  const listings = [
    userListing(ports),
    clientListing(ports),
    grantListing(ports),
    sessionListing(ports),
    keyListing(ports),
  ]
  return listings.map((listing) => recordActions(listing, ports.trail))
}
