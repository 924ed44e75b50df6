import type { ArtifactStore } from './artifact-contract.ts'
import type { ClientStore } from './client-contract.ts'
import type { ConsentStore } from './consent-contract.ts'
import type { IdentityStore } from './identity-contract.ts'
import type { KeyStore } from './key-contract.ts'
import type { LastStartStore } from './last-start-contract.ts'
import type { PasskeyStore } from './passkey-contract.ts'
import type { RevocationStore } from './revocation-contract.ts'
import type { UserStore } from './user-contract.ts'

/** One store, as seen by one tenant. */
export interface Store {
  readonly lastStart: LastStartStore
  readonly artifacts: ArtifactStore
  readonly clients: ClientStore
  readonly revocations: RevocationStore
  readonly keys: KeyStore
  readonly consents: ConsentStore
  readonly users: UserStore
  readonly passkeys: PasskeyStore
  readonly identities: IdentityStore
  close(): Promise<void>
}
