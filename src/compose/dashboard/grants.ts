import { ActionRefused, type Listing } from '../../admin/contract.ts'
import { grantRecord, grants } from '../../authorization-server/tokens/grants.ts'
import { grantName } from '../../core/secret.ts'
import type { ListingPorts } from './listing-ports.ts'
import { artifactPage } from './select-page.ts'
import { writeTime } from './write-time.ts'

/** What users let clients do. */
export function grantListing({ store, clock, nameOf }: ListingPorts): Listing {
  return {
    title: 'Grants',
    path: '/grants',
    about: 'What people let clients do, the latest first. A grant that is revoked ends with all its tokens.',
    columns: ['Who', 'Client', 'Server and scopes', 'Since'],
    async rows(asked) {
      const { found, ...place } = await artifactPage(store, 'Grant', asked)
      const rows = await Promise.all(
        found.map(grantRecord).map(async ({ id, accountId, clientId, grantedAt, resources }) => ({
          id: grantName(id),
          cells: [
            await nameOf(accountId),
            clientId,
            Object.entries(resources)
              .map(([resource, scopes]) => `${resource}: ${scopes.join(' ')}`)
              .join('; '),
            writeTime(grantedAt),
          ],
          actions: ['revoke'],
        })),
      )
      return { rows, ...place }
    },
    actions: {
      revoke: {
        label: 'Revoke',
        consequence: 'Its tokens end now. The client has to ask the person again.',
        async act(id) {
          const found = await store.artifacts.findByUid('Grant', id)
          if (found === undefined) throw new ActionRefused('This grant has ended already.')
          await grants({ ...store, clock }).revoke(grantRecord(found).id)
          return 'The grant is revoked.'
        },
      },
    },
  }
}
