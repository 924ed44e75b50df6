import { ActionRefused, type ListedRow, type Listing } from '../../admin/contract.ts'
import { blockedClients } from '../../authorization-server/registration/blocked-clients.ts'
import { clientSecretHash } from '../../authorization-server/registration/client-secret-hash.ts'
import { isDocumentId } from '../../authorization-server/registration/document-url.ts'
import { displayText } from '../../core/display-text.ts'
import { randomToken } from '../../core/secret.ts'
import type { StoredClient } from '../../storage/client-contract.ts'
import { blockClient, removeClient } from '../remove-client.ts'
import type { ListingPorts } from './listing-ports.ts'
import { pageOf } from './select-page.ts'
import { writeTime } from './write-time.ts'

/** A client, which is described once it is shown or looked through. */
interface Known {
  readonly id: string
  readonly describe: () => Omit<ListedRow, 'id'>
}

/**
 * The clients of the configuration and the store, those with documents that users have approved, and blocked
 * ones.
 */
export function clientListing({ store, secret, clock, config }: ListingPorts): Listing {
  const blocked = blockedClients({ ...store, clock })
  return {
    title: 'Clients',
    path: '/clients',
    about:
      'Programs that may ask for tokens. Those with a metadata document of their own are here while somebody lets them in.',
    columns: ['Name', 'Client id', 'Known by', 'Since', 'Last used', 'Expires', 'State'],
    async rows(asked) {
      const known: readonly Known[] = [
        ...config().clients.map(({ id, name = id }) => ({
          id,
          describe: () => ({ cells: [name, id, 'the configuration', '—', '—', 'never'], actions: [] }),
        })),
        ...(await store.clients.list()).map((client) => ({
          id: client.id,
          describe: () => describeStored(client),
        })),
      ]
      const blocks = new Map((await blocked.list()).map((one) => [one.id, one]))
      const ids = new Set(known.map(({ id }) => id))
      const others = new Set([...(await store.artifacts.clientsOf('Grant')), ...blocks.keys()])
      const unlisted = [...others]
        .filter((id) => !ids.has(id))
        .map((id) => ({
          id,
          describe: () => ({
            cells: [displayText(id), id, isDocumentId(id) ? 'its document' : '—', '—', '—', '—'],
            actions: [],
          }),
        }))
      return pageOf([...known, ...unlisted], asked, ({ id, describe }) => {
        const { cells, actions } = describe()
        const block = blocks.get(id)
        return block === undefined
          ? { id, cells: [...cells, 'active'], actions: [...actions, 'block'] }
          : { id, cells: [...cells, `blocked ${writeTime(block.since)}`], actions: [...actions, 'unblock'] }
      })
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
      block: {
        label: 'Block',
        consequence: 'All that it may do ends, and it gets no more tokens until it is unblocked.',
        async act(id, operator) {
          if (id === '') throw new ActionRefused('There is no client without an id.')
          const ended = await blockClient(store, clock, { id, operator })
          if (ended === undefined) throw new ActionRefused('This client is blocked already.')
          return `${id} is blocked. Grants that ended: ${ended}.`
        },
      },
      unblock: {
        label: 'Unblock',
        consequence: 'It may ask for tokens again. People are asked anew.',
        async act(id) {
          if (!(await blocked.remove(id))) throw new ActionRefused('This client is not blocked.')
          return `${id} may ask for tokens again.`
        },
      },
      remove: {
        label: 'Remove',
        consequence: 'It is forgotten, and all that it may do ends.',
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

function describeStored({
  id,
  source,
  metadata,
  secretHash,
  createdAt,
  usedAt,
  expiresAt,
}: StoredClient): Omit<ListedRow, 'id'> {
  return {
    cells: [
      displayText(nameOf(metadata) ?? id),
      id,
      source === 'operator' ? 'an operator' : 'its registration',
      writeTime(createdAt),
      writeTime(usedAt),
      writeTime(expiresAt),
    ],
    actions: secretHash === undefined ? ['remove'] : ['rotate', 'remove'],
  }
}

function nameOf({ client_name: name }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof name === 'string' ? name : undefined
}
