import type { Clock } from '../core/clock.ts'
import type { ConsentStore } from '../storage/consent-contract.ts'
import type { ArtifactStore } from '../storage/contract.ts'
import type { RevocationStore } from '../storage/revocation-contract.ts'
import { grants } from './grants.ts'

interface EndAccessPorts {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
  readonly consents: ConsentStore
  readonly clock: Clock
}

/**
 * Ends every session of an account, and everything that it granted, with the access tokens that are out. What it agreed
 * to is asked for again: whoever knew the password may have agreed in its place. In this order: who agrees at this moment
 * then either finds that the session is over, or has agreed to what is found here and ends.
 */
export async function endAccess(ports: EndAccessPorts, accountId: string): Promise<void> {
  await endSessions(ports.artifacts, accountId)
  await ports.consents.forget(accountId)
  await grants(ports).revokeAll(accountId)
}

/** Ends every session of an account. */
export async function endSessions(artifacts: ArtifactStore, accountId: string): Promise<void> {
  await artifacts.removeOfAccount('Session', accountId)
}
