import { ActionRefused, type Listing } from '../../admin/contract.ts'
import type { ListingPorts } from './listing-ports.ts'
import { artifactPage } from './select-page.ts'
import { writeTime } from './write-time.ts'

/** Browsers in which somebody is signed in. */
export function sessionListing({ store, nameOf }: ListingPorts): Listing {
  return {
    title: 'Sessions',
    path: '/sessions',
    about: 'Browsers in which somebody is signed in. Ending one leaves the grants as they are.',
    columns: ['Who', 'Signed in', 'Ends'],
    async rows(asked) {
      const { found, ...place } = await artifactPage(store, 'Session', asked)
      const rows = await Promise.all(
        found.map(async ({ payload: { uid, accountId, loginTs, exp } }) => ({
          id: String(uid),
          cells: [
            await nameOf(String(accountId)),
            writeTime(Number(loginTs) * 1000),
            writeTime(Number(exp) * 1000),
          ],
          actions: ['end'],
        })),
      )
      return { rows, ...place }
    },
    actions: {
      end: {
        label: 'Sign out',
        consequence: 'The person has to log in again in that browser.',
        async act(id) {
          const found = await store.artifacts.findByUid('Session', id)
          if (found === undefined) throw new ActionRefused('This session has ended already.')
          await store.artifacts.remove('Session', String(found.payload['jti']))
          return 'The session has ended.'
        },
      },
    },
  }
}
