import type { Clock } from '../core/clock.ts'
import { randomToken } from '../core/secret.ts'
import type { ArtifactStore } from '../storage/artifact-contract.ts'

/** What a link permits: to become the first user, or to choose the password of a user who has none yet. */
type Invitation = { readonly kind: 'first' } | { readonly kind: 'user'; readonly userId: string }

/** Links that admit one person, once and within the hour. The store only has a hash of the token. */
export interface Invitations {
  /** Resolves to a new token. */
  create(invitation: Invitation): Promise<string>
  /** Looks a token up without using it up. The token is untrusted. */
  find(token: string): Promise<Invitation | undefined>
  /** Uses a token up: only one of several concurrent calls gets it. */
  take(token: string): Promise<Invitation | undefined>
}

const model = 'Invitation'

const invitationMilliseconds = 3600 * 1000

/** Invitations over the store of artifacts. */
export function invitations(artifacts: ArtifactStore, clock: Clock): Invitations {
  return {
    async create(invitation) {
      const token = randomToken()
      const expiresAt = clock.now() + invitationMilliseconds
      await artifacts.put({ model, id: token, payload: { invitation, expiresAt }, expiresAt })
      return token
    },
    async find(token) {
      const payload = (await artifacts.find(model, token))?.payload as Stored | undefined
      return payload !== undefined && payload.expiresAt > clock.now() ? payload.invitation : undefined
    },
    async take(token) {
      return ((await artifacts.take(model, token))?.payload as Stored | undefined)?.invitation
    },
  }
}

interface Stored {
  readonly invitation: Invitation
  readonly expiresAt: number
}
