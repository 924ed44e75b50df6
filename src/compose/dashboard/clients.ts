import { ActionRefused, type Listing } from '../../admin/contract.ts'
import { clientSecretHash } from '../../authorization-server/registration/client-secrets.ts'
import { randomToken } from '../../core/secret.ts'
import { displayText } from '../../http/page.ts'
import { removeClient } from '../remove-client.ts'
import { type ListingPorts, pageOf, when } from './listing-ports.ts'

/** The clients of the configuration and of the store. */
export function clientListing({ store, secret, clock, config }: ListingPorts): Listing {
  return {
    title: 'Clients',
    path: '/clients',
    about: 'Programs that may ask for tokens. Those with a metadata document of their own are in no list.',
    columns: ['Name', 'Client id', 'Registered by', 'Since', 'Last used', 'Expires'],
    async rows(asked) {
      const registered = await store.clients.list()
      const rows = [
        ...config().clients.map(({ id, name = id }) => ({
          id,
          cells: [name, id, 'the configuration', '—', '—', 'never'],
          actions: [],
        })),
        ...registered.map(({ id, source, metadata, secretHash, createdAt, usedAt, expiresAt }) => ({
          id,
          cells: [
            displayText(nameOf(metadata) ?? id),
            id,
            source === 'operator' ? 'an operator' : 'itself',
            when(createdAt),
            when(usedAt),
            when(expiresAt),
          ],
          actions: secretHash === undefined ? ['remove'] : ['rotate', 'remove'],
        })),
      ]
      return pageOf(rows, asked)
    },
    actions: {
      rotate: {
        label: 'New secret',
        consequence: 'The old secret ends at once. The new one is shown once.',
        async act(id) {
          const made = randomToken()
          if (!(await store.clients.replaceSecret(id, clientSecretHash(secret)(id, made))))
            throw new ActionRefused('This client has no secret, or is not there any more.')
          return `The new secret of ${id}, shown this once: ${made}`
        },
      },
      remove: {
        label: 'Remove',
        consequence: 'It is forgotten, and all that people let it do ends.',
        async act(id) {
          if ((await store.clients.find(id)) === undefined)
            throw new ActionRefused('This client is not there any more.')
          const ended = await removeClient(store, clock, id)
          return `${id} is removed. Grants that ended: ${ended}.`
        },
      },
    },
  }
}

function nameOf({ client_name: name }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof name === 'string' ? name : undefined
}
