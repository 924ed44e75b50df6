import { isIP } from 'node:net'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Clock } from '../core/clock.ts'
import { parseJsonObject } from '../core/json-object.ts'
import type { MasterSecret } from '../core/secret.ts'
import type { ArtifactStore } from '../storage/artifact-contract.ts'
import type { PasskeyStore } from '../storage/passkey-contract.ts'
import type { UserStore } from '../storage/user-contract.ts'
import { toAccount } from './account.ts'
import type { Account } from './contract.ts'
import { type Challenges, challengeMilliseconds, passkeyChallenges } from './passkey-challenges.ts'
import type { Passkeys } from './passkey-contract.ts'

interface PasskeysPorts {
  readonly publicUrl: string
  readonly users: UserStore
  readonly passkeys: PasskeyStore
  readonly artifacts: ArtifactStore
  readonly secret: MasterSecret
  readonly clock: Clock
}

const refused = 'This passkey is not known here, or can no longer be used.'
const tooLate = 'That took too long, or this page was used before. Please try again.'
/** EdDSA, ES256 and RS256: what authenticators use, without what Node still considers experimental. */
const supportedAlgorithmIDs = [-8, -7, -257]
const maxNameLength = 64
const mostPasskeys = 20
/** WebAuthn level 3 section 4: at most 1023 bytes, here in base64url. Nothing else reaches the store. */
const credentialId = /^[\w-]{1,1364}$/

/** Loaded with the first passkey: it makes up a fifth of all modules, and is rarely needed at start. */
const webAuthn = () => import('@simplewebauthn/server')

/** Passkeys over the store. Where they work depends only on the public URL, never on a request. */
export function localPasskeys(ports: PasskeysPorts): Passkeys {
  const { users, passkeys, clock } = ports
  const { origin, hostname: rpID } = new URL(ports.publicUrl)
  const expected = { expectedOrigin: origin, expectedRPID: rpID, requireUserVerification: true }
  const challenges: Challenges = passkeyChallenges(ports)

  const find = async (id: unknown) =>
    typeof id === 'string' && credentialId.test(id) ? passkeys.find(id) : undefined

  const authenticate = async (credential: string, holder: string): Promise<Account | string> => {
    const response = parseJsonObject(credential) as AuthenticationResponseJSON | undefined
    const passkey = await find(response?.id)
    if (response === undefined || passkey === undefined) return 'no such passkey'
    const expectedChallenge = challengeOf(response)
    if (!(await challenges.take(expectedChallenge, { purpose: 'login', holder }))) return 'no such challenge'
    const { id, userId, counter } = passkey
    const user = await users.find(userId)
    if (user === undefined || user.disabledAt !== undefined) return `${userId} is disabled`
    const publicKey = new Uint8Array(Buffer.from(passkey.publicKey, 'base64url'))
    const { userHandle } = response.response
    if (typeof userHandle === 'string' && decode(userHandle) !== userId)
      return `a passkey of ${userId} names another`
    const { verifyAuthenticationResponse } = await webAuthn()
    const verification = await verifyAuthenticationResponse({
      response,
      expectedChallenge,
      credential: { id, publicKey, counter },
      ...expected,
    }).catch((error: Error) => error.message)
    if (typeof verification === 'string') return `a passkey of ${userId}: ${verification}`
    const { verified, authenticationInfo } = verification
    if (!verified) return `a passkey of ${userId}: the signature is wrong`
    const { loginsSince } = user
    const use = { counter: authenticationInfo.newCounter, usedAt: clock.now(), loginsSince }
    if (await passkeys.use(id, use)) return toAccount(user)
    return `the passkey of ${userId} may have been copied: its counter did not grow; or ${userId} just changed`
  }

  return {
    unavailable: whyUnavailable(rpID),
    async startLogin(holder) {
      const challenge = challenges.give({ purpose: 'login', holder })
      const options = {
        rpID,
        challenge,
        timeout: challengeMilliseconds,
        userVerification: 'required',
      } as const
      const { generateAuthenticationOptions } = await webAuthn()
      return JSON.stringify(await generateAuthenticationOptions(options))
    },
    async finishLogin({ credential, holder }) {
      const account = await authenticate(credential, holder)
      return typeof account === 'string' ? { refused, reason: account } : account
    },
    async startRegistration({ id, displayName }, holder) {
      const user = await users.find(id)
      const { generateRegistrationOptions } = await webAuthn()
      const options = await generateRegistrationOptions({
        rpName: 'Portcullis',
        rpID,
        userID: new TextEncoder().encode(id),
        userName: user?.name ?? displayName,
        userDisplayName: displayName,
        challenge: challenges.give({ purpose: 'registration', holder }),
        timeout: challengeMilliseconds,
        attestationType: 'none',
        supportedAlgorithmIDs,
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        excludeCredentials: (await passkeys.list(id)).map((known) => ({ id: known.id })),
      })
      return JSON.stringify(options)
    },
    async finishRegistration(account, name, { credential, holder }) {
      if ((await passkeys.list(account.id)).length >= mostPasskeys)
        return 'You have as many passkeys as you can have here. Remove one first.'
      const response = parseJsonObject(credential) as RegistrationResponseJSON | undefined
      const expectedChallenge = challengeOf(response)
      if (!(await challenges.take(expectedChallenge, { purpose: 'registration', holder }))) return tooLate
      const { verifyRegistrationResponse } = await webAuthn()
      const verification = await verifyRegistrationResponse({
        response: response as RegistrationResponseJSON,
        expectedChallenge,
        supportedAlgorithmIDs,
        ...expected,
      }).catch(() => undefined) // everything that it throws is about the answer of the browser
      if (verification?.verified !== true)
        return 'Your browser did not create a passkey that can be used here.'
      const { id, publicKey, counter } = verification.registrationInfo.credential
      const passkey = {
        id,
        userId: account.id,
        name: name.trim().slice(0, maxNameLength) || 'Passkey',
        publicKey: Buffer.from(publicKey).toString('base64url'),
        counter,
        createdAt: clock.now(),
        usedAt: undefined,
      }
      // After an end of all logins in the meantime, or if the user was disabled, no new credential is added.
      const added = await passkeys.add(passkey, account.loginsSince ?? 0)
      return added
        ? undefined
        : 'This passkey is in use already, or your account was just changed. Sign in again.'
    },
    list: (accountId) => passkeys.list(accountId),
    remove: async (accountId, id) => {
      if (credentialId.test(id)) await passkeys.remove(accountId, id)
    },
  }
}

/** WebAuthn level 3 section 5.4.2: a relying party id is a domain, not an IP address. */
function whyUnavailable(host: string): string | undefined {
  return isIP(host.replaceAll(/[[\]]/g, '')) === 0
    ? undefined
    : 'Passkeys need a host name, and this server is reached by an IP address. On this computer, localhost works.'
}

/** The challenge that an answer claims to be for; empty if it claims none. */
function challengeOf(response: RegistrationResponseJSON | AuthenticationResponseJSON | undefined): string {
  const clientData = response?.response?.clientDataJSON
  const parsed = typeof clientData === 'string' ? parseJsonObject(decode(clientData)) : undefined
  const challenge = parsed?.['challenge']
  return typeof challenge === 'string' ? challenge : ''
}

function decode(base64url: string): string {
  return Buffer.from(base64url, 'base64url').toString()
}
