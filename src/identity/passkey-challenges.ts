import type { Clock } from '../core/clock.ts'
import { randomToken } from '../core/secret.ts'
import type { ArtifactStore } from '../storage/contract.ts'

/** What a challenge was given for, and to whom: an answer from anywhere else is none. */
interface Occasion {
  readonly purpose: 'login' | 'registration'
  /** One browser, or one authorization request. */
  readonly holder: string
}

/** Challenges for passkeys (WebAuthn level 3 section 13.4.3): random, for ten minutes, answered once. */
export interface Challenges {
  /** Resolves to a new challenge: bytes. */
  give(occasion: Occasion): Promise<Uint8Array<ArrayBuffer>>
  /** Uses up a challenge, in base64url, and says whether it was given for this. The challenge is untrusted. */
  take(challenge: string, occasion: Occasion): Promise<boolean>
}

const model = 'PasskeyChallenge'

/** How long a challenge can be answered. */
export const challengeMilliseconds = 10 * 60 * 1000

/** Challenges in the store, so that any replica can take the answer. */
export function passkeyChallenges(artifacts: ArtifactStore, clock: Clock): Challenges {
  return {
    async give({ purpose, holder }) {
      const id = randomToken(32)
      const expiresAt = clock.now() + challengeMilliseconds
      await artifacts.put({ model, id, payload: { purpose, holder }, expiresAt })
      return new Uint8Array(Buffer.from(id, 'base64url'))
    },
    async take(challenge, { purpose, holder }) {
      const payload = (await artifacts.take(model, challenge))?.payload
      return payload !== undefined && payload['purpose'] === purpose && payload['holder'] === holder
    },
  }
}
