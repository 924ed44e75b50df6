import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { MasterSecret } from '../../core/secret.ts'
import type { ArtifactStore } from '../../storage/artifact-contract.ts'
import type { ClientStore } from '../../storage/client-contract.ts'
import type { HeldRefreshToken } from '../../storage/refresh-token-contract.ts'
import type { RevocationStore } from '../../storage/revocation-contract.ts'
import { errors, type Provider } from '../library/library.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { grants } from './grants.ts'
import {
  beforeFirst,
  firstToken,
  holdLater,
  isWithinWindow,
  present,
  presentedToken,
  refreshTokenModel,
  useOf,
} from './redemption.ts'
import { type RefreshTokenName, refreshTokenFormat } from './refresh-token-format.ts'

interface RefreshTokenPorts extends Pick<AuthorizationServerSettings, 'tokens' | 'clock' | 'registration'> {
  readonly artifacts: ArtifactStore
  readonly registered: ClientStore
  readonly revocations: RevocationStore
  readonly secret: MasterSecret
}

/**
 * Makes the library write refresh tokens that lead to their grant (`refreshTokenFormat`). The token it makes
 * when one is presented is that one's successor.
 */
export function nameRefreshTokens(
  { RefreshToken }: InstanceType<typeof Provider>,
  secret: MasterSecret,
): void {
  const format = refreshTokenFormat(secret)
  Object.assign(RefreshToken.prototype, {
    generateTokenId(this: { readonly grantId: string }): string {
      const before = presentedToken()
      return format.write({ grantId: this.grantId, serial: before === undefined ? 0 : before.serial + 1 })
    },
  })
}

/** Gives the library the refresh tokens of grants. */
export function refreshTokenAdapter(ports: RefreshTokenPorts): Adapter {
  const { artifacts, registered, registration, clock } = ports
  const format = refreshTokenFormat(ports.secret)
  const read = async (token: string): Promise<Read | undefined> =>
    format.read(token) ?? (await findEarlier(artifacts, token))
  const find = async (token: string): Promise<AdapterPayload | undefined> => {
    const name = await read(token)
    if (name === undefined) return undefined
    const grant = await artifacts.find('Grant', name.grantId)
    const held = grant?.refreshToken ?? name.earlier
    if (grant === undefined || held === undefined) return undefined
    const presented = { ...name, held }
    present(presented, grant)
    const isGood = name.serial >= held.serial || isWithinWindow(ports, useOf(presented))
    return { ...held.payload, jti: token, ...(isGood && name.wasUsed !== true ? {} : { consumed: true }) }
  }
  return {
    find,
    async upsert(_id, { jti: _jti, ...payload }) {
      const { grantId = '', clientId } = payload
      const isHeld =
        holdLater(grantId, payload) ||
        (await artifacts.holdRefreshToken(grantId, firstToken(payload), undefined))
      if (!isHeld) throw new errors.InvalidGrant('the grant is over')
      if (clientId !== undefined)
        await registered.markUsed(clientId, clock.now() + registration.idleSeconds * 1000)
    },
    async consume() {
      // It is used up when its successor replaces it: see redemption.ts.
    },
    async destroy(token) {
      const name = await read(token)
      if (name !== undefined) await grants(ports).revoke(name.grantId)
    },
    revokeByGrantId: (grantId) => grants(ports).revoke(grantId),
    // Refresh tokens have no other names.
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
  }
}

/** A refresh token as it was presented; a token of an earlier version carries its own record. */
interface Read extends RefreshTokenName {
  readonly earlier?: HeldRefreshToken
  readonly wasUsed?: boolean
}

/**
 * Earlier versions stored each token separately. A valid token of theirs precedes the first of its grant in
 * the new format.
 */
async function findEarlier(artifacts: ArtifactStore, token: string): Promise<Read | undefined> {
  const found = await artifacts.find(refreshTokenModel, token)
  if (found === undefined) return undefined
  const { payload, consumedAt } = found
  return {
    grantId: String(payload['grantId']),
    serial: beforeFirst,
    earlier: { payload, serial: beforeFirst, uses: [] },
    wasUsed: consumedAt !== undefined,
  }
}
