import type { Clock } from '../../core/clock.ts'
import { longestTokenSeconds } from '../../core/lifetimes.ts'
import { vouchedName } from '../../core/secret.ts'
import type { ArtifactStore } from '../../storage/artifact-contract.ts'
import type { ConsentStore } from '../../storage/consent-contract.ts'
import type { RevocationStore } from '../../storage/revocation-contract.ts'
import { grants } from '../tokens/grants.ts'

interface EndAccessPorts {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
  readonly consents: ConsentStore
  /** The accounts' identities at identity providers. */
  readonly identities: {
    findByUser(accountId: string): Promise<{ readonly issuer: string; readonly subject: string } | undefined>
  }
  readonly clock: Clock
}

/**
 * Ends every session of an account and everything that it granted, including issued access tokens. Drops
 * remembered consent as well, since whoever knew the password may have agreed in the owner's place. Also ends
 * what the account got from assertions of its identity provider before it first came here. The order matters:
 * someone who agrees at this moment either finds the session ended, or has agreed to something that is found
 * and ended here.
 */
export async function endAccess(ports: EndAccessPorts, accountId: string): Promise<void> {
  await endSessions(ports.artifacts, accountId)
  await ports.consents.forget(accountId)
  await endVouched(ports, accountId)
  await grants(ports).revokeAll(accountId)
}

/** Ends every session of an account. */
export async function endSessions(artifacts: ArtifactStore, accountId: string): Promise<void> {
  await artifacts.removeOfAccount('Session', accountId)
}

/** Ends what assertions about the user gave before there was an account that a grant could be recorded for. */
async function endVouched(
  { identities, revocations, clock }: EndAccessPorts,
  accountId: string,
): Promise<void> {
  const identity = await identities.findByUser(accountId)
  if (identity === undefined) return
  const id = vouchedName(identity.issuer, identity.subject)
  await revocations.add({ kind: 'user', id, expiresAt: clock.now() + longestTokenSeconds * 1000 })
}
