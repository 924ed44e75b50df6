import { ActionRefused, type Listing } from '../../admin/contract.ts'
import { grants } from '../../authorization-server/grants.ts'
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
        found.map(async ({ payload }) => {
          const { jti, accountId, clientId, iat, resources } = payload
          return {
            id: grantName(String(jti)),
            cells: [
              await nameOf(String(accountId)),
              String(clientId),
              Object.entries((resources ?? {}) as Record<string, string>)
                .map(([resource, scopes]) => `${resource}: ${scopes}`)
                .join('; '),
              writeTime(Number(iat) * 1000),
            ],
            actions: ['revoke'],
          }
        }),
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
          await grants({ ...store, clock }).revoke(String(found.payload['jti']))
          return 'The grant is revoked.'
        },
      },
    },
  }
}
