import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Clock } from '../../core/clock.ts'
import type { MasterSecret } from '../../core/secret.ts'
import { isUserId } from '../../core/user-id.ts'
import type { OpenRateLimit } from '../../limits/contract.ts'
import type { ArtifactStore } from '../../storage/artifact-contract.ts'
import type { ClientStore, StoredClient } from '../../storage/client-contract.ts'
import { callerNetwork } from '../caller-address.ts'
import { errors } from '../library/library.ts'
import { slowDown } from '../requests/slow-down.ts'
import type { RegistrationSettings } from '../settings.ts'
import { operatorClientField } from './client-fields.ts'
import { mayBeRegistered } from './client-id.ts'
import { clientSecretHash } from './client-secret-hash.ts'

/** What the library's client storage needs. */
export interface ClientAdapterPorts {
  readonly artifacts: ArtifactStore
  readonly registered: ClientStore
  readonly registration: RegistrationSettings
  readonly secret: MasterSecret
  readonly rateLimit: OpenRateLimit
  readonly clock: Clock
}

const minute = 60
/** One address may make at most one in this many of the new registrations. */
const shareOfAddress = 4
/** A known client that registers again is only read, so one address may do that this many times more often. */
const timesKnown = 10
const hourMilliseconds = 3600 * 1000
/** How long a client waits before it tries again if the store is full. */
const fullSeconds = 600

/**
 * Gives the library the clients of the store. Throws `temporarily_unavailable` if there are too many new
 * ones.
 */
export function clientAdapter(ports: ClientAdapterPorts): Adapter {
  const { artifacts, registered, registration, rateLimit, clock } = ports
  const hash = clientSecretHash(ports.secret)
  const points = registration.newPerMinute
  const newFromAll = rateLimit({ name: 'registrations', points, seconds: minute })
  const newFromAddress = rateLimit({
    name: 'registrations-from-address',
    points: Math.ceil(points / shareOfAddress),
    seconds: minute,
  })
  const knownFromAddress = rateLimit({
    name: 'known-registrations-from-address',
    points: points * timesKnown,
    seconds: minute,
  })
  const renewMilliseconds = Math.min(hourMilliseconds, registration.unusedSeconds * 100)

  const toStored = (
    id: string,
    payload: AdapterPayload,
    times: Pick<StoredClient, 'usedAt' | 'expiresAt'>,
  ) => {
    const { client_secret: clientSecret, ...metadata } = payload as Record<string, unknown>
    const secretHash = typeof clientSecret === 'string' ? hash(id, clientSecret) : undefined
    return { id, source: 'dynamic', metadata, secretHash, createdAt: clock.now(), ...times } as const
  }

  /** Clients of earlier versions are among the artifacts, with their secrets. The first lookup moves them. */
  const adopt = async (id: string): Promise<StoredClient | undefined> => {
    const found = await artifacts.find('Client', id)
    if (found === undefined) return undefined
    const expiresAt = clock.now() + registration.idleSeconds * 1000
    const client = toStored(id, found.payload, { usedAt: clock.now(), expiresAt })
    await registered.register(client, undefined)
    await artifacts.remove('Client', id)
    return client
  }

  const admit = async (isKnown: boolean): Promise<void> => {
    const wait = isKnown
      ? await knownFromAddress.take(callerNetwork())
      : (await newFromAddress.take(callerNetwork())) || (await newFromAll.take('all'))
    if (wait > 0) throw slowDown(429, 'too many registrations at the moment', wait)
  }

  /** Programs register at every start, so an expiry that would change only slightly is not written. */
  const isWorthRenewing = (known: StoredClient, expiresAt: number): boolean =>
    known.expiresAt !== undefined && known.expiresAt < expiresAt - renewMilliseconds

  return {
    async find(id) {
      const client = mayBeRegistered(id) ? ((await registered.find(id)) ?? (await adopt(id))) : undefined
      return client && describeStored(client)
    },
    async upsert(id, payload) {
      // RFC 9700 section 4.15. Nothing here creates such an id, and nothing ever may.
      if (isUserId(id)) throw new errors.InvalidClientMetadata('client_id is reserved')
      const expiresAt = clock.now() + registration.unusedSeconds * 1000
      const known = await registered.find(id)
      await admit(known !== undefined)
      if (known !== undefined && !isWorthRenewing(known, expiresAt)) return
      const client = toStored(id, payload, { usedAt: undefined, expiresAt })
      if (!(await registered.register(client, registration.maxClients)))
        throw slowDown(503, 'there is no room for more clients', fullSeconds)
    },
    async destroy(id) {
      await registered.remove(id)
    },
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: async () => undefined,
    revokeByGrantId: async () => undefined,
  }
}

/** A stored client in the form that the library wants, with the hash as its secret. */
function describeStored({ id, source, metadata, secretHash }: StoredClient): AdapterPayload {
  return {
    ...metadata,
    client_id: id,
    ...(secretHash === undefined ? {} : { client_secret: secretHash }),
    [operatorClientField]: source === 'operator',
  }
}
