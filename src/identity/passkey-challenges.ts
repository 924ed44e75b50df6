import type { Clock } from '../core/clock.ts'
import { type MasterSecret, randomToken, sealer } from '../core/secret.ts'
import type { ArtifactStore } from '../storage/artifact-contract.ts'

/** What a challenge was issued for, and to whom: an answer from anywhere else is not valid. */
interface Occasion {
  readonly purpose: 'login' | 'registration'
  /** One browser, or one authorization request. */
  readonly holder: string
}

/**
 * Challenges for passkeys (WebAuthn level 3 section 13.4.3): random, valid for ten minutes, answered once.
 */
export interface Challenges {
  /** Issues a new challenge: bytes. */
  give(occasion: Occasion): Uint8Array<ArrayBuffer>
  /**
   * Uses up a challenge, in base64url, and returns whether it was issued for this: true for only one of
   * several concurrent calls. The challenge is untrusted.
   */
  take(challenge: string, occasion: Occasion): Promise<boolean>
}

interface ChallengesPorts {
  readonly artifacts: ArtifactStore
  readonly secret: MasterSecret
  readonly clock: Clock
}

const model = 'PasskeyChallenge'

/** How long a challenge can be answered. */
export const challengeMilliseconds = 10 * 60 * 1000

/**
 * Challenges that contain what they are for, sealed: opening a login page writes nothing, whoever does so and
 * however often. Only those that were answered are stored.
 */
export function passkeyChallenges({ artifacts, secret, clock }: ChallengesPorts): Challenges {
  const seals = sealer(secret.derive('passkey-challenge'))
  const contextOf = ({ purpose, holder }: Occasion): string => `${purpose}\0${holder}`
  return {
    give(occasion) {
      const text = `${clock.now() + challengeMilliseconds} ${randomToken(16)}`
      return new Uint8Array(Buffer.from(seals.seal(text, contextOf(occasion)), 'base64url'))
    },
    async take(challenge, occasion) {
      const text = seals.open(challenge, contextOf(occasion))
      const expiresAt = Number(text?.split(' ')[0])
      // By the sealed content, since one challenge can be spelled in more than one way.
      return (
        text !== undefined &&
        expiresAt > clock.now() &&
        artifacts.insertOnce({ model, id: text, payload: {}, expiresAt })
      )
    },
  }
}
