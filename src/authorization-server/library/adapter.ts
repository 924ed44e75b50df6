import type { Adapter, AdapterPayload } from 'oidc-provider'
import { grantName } from '../../core/secret.ts'
import {
  type Artifact,
  type ArtifactStore,
  type FoundArtifact,
  seenOnceModel,
} from '../../storage/artifact-contract.ts'
import type { RevocationStore } from '../../storage/revocation-contract.ts'
import { type ClientAdapterPorts, clientAdapter } from '../registration/client-adapter.ts'
import { findPushedRequest, pushedRequestModel, usePushedRequest } from '../requests/pushed-requests.ts'
import { findToResume, interactionModel, resumeLater } from '../requests/resumption.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { grants } from '../tokens/grants.ts'
import { findToRedeem, refreshTokenModel, takeGrant, useLater } from '../tokens/redemption.ts'
import { refreshTokenAdapter } from '../tokens/refresh-token-adapter.ts'
import { errors, Provider } from './library.ts'
import { SeenBefore } from './seen-once.ts'

/** The library's session storage, with a way to store a session again that already existed. */
export interface SessionAdapter extends Adapter {
  /** Stores a session if it still exists, as `before`. If it has ended in the meantime, stores nothing. */
  replace(before: string, id: string, payload: AdapterPayload, expiresIn: number | undefined): Promise<void>
}

interface AdapterPorts extends ClientAdapterPorts, Pick<AuthorizationServerSettings, 'tokens' | 'stepUps'> {
  readonly revocations: RevocationStore
}

/**
 * Gives oidc-provider its storage. The library finds first and acts later, so what may happen only once is
 * decided here, by conditional statements: `consume` and the insertion of a `jti` throw if somebody else was
 * first, and what a token request redeems is settled when its answer is ready (`settleRedemption`). Refresh
 * tokens are kept with their grant, by a separate adapter.
 */
export function storageAdapter(ports: AdapterPorts): (model: string) => Adapter {
  const { artifacts, registered, registration, clock } = ports
  const revokeGrant = (grantId: string): Promise<void> => grants(ports).revoke(grantId)

  const toArtifact = (
    model: string,
    id: string,
    payload: AdapterPayload,
    expiresIn: number | undefined,
  ): Artifact => ({
    model,
    id,
    payload,
    grantId: model === 'Grant' ? id : payload.grantId,
    uid: model === 'Grant' ? grantName(id) : payload.uid,
    userCode: payload.userCode,
    accountId: payload.accountId,
    clientId: payload.clientId,
    // An artifact in its last second has 0 left here, and must not be kept forever.
    expiresAt: expiresIn === undefined ? undefined : clock.now() + expiresIn * 1000,
  })

  const artifactAdapter = (model: string): Adapter => ({
    async upsert(id, payload, expiresIn) {
      const artifact = toArtifact(model, id, payload, expiresIn)
      if (model === 'DeviceCode') await claimDeviceCode(artifacts, id, payload, artifact.expiresAt)
      if (model === seenOnceModel) {
        if (!(await artifacts.insertOnce(artifact))) throw new SeenBefore()
      } else await artifacts.put(artifact, { lasts: isGrantedAtOnce(model) })
      // A user has approved the client, so its registration is in use.
      if (model === 'Grant' && payload.clientId !== undefined)
        await registered.markUsed(payload.clientId, clock.now() + registration.idleSeconds * 1000)
    },
    async find(id) {
      if (model === interactionModel) return (await findToResume(ports, id))?.payload
      if (model === pushedRequestModel) return restore(await findPushedRequest(ports, id))
      const found =
        model === 'Grant'
          ? (takeGrant(id) ?? (await artifacts.find(model, id)))
          : await findToRedeem(artifacts, model, id)
      if (model === 'Grant' && found !== undefined) ports.stepUps.notice(found)
      return restore(found)
    },
    async findByUid(uid) {
      return restore(await artifacts.findByUid(model, uid))
    },
    async findByUserCode(userCode) {
      return restore(await artifacts.findByUserCode(model, userCode))
    },
    async consume(id) {
      if (model === pushedRequestModel) return usePushedRequest(ports, id)
      if (useLater(model, id) || (await artifacts.consume(model, id))) return
      // Two requests presented the same one concurrently: the second is a replay.
      const found = await artifacts.find(model, id)
      const grantId = found?.payload['grantId']
      if (typeof grantId === 'string') await revokeGrant(grantId)
      throw new errors.InvalidGrant(`${model} was used before`)
    },
    async destroy(id) {
      if (model === 'Grant') await revokeGrant(id)
      else if (model !== interactionModel || !(await resumeLater(ports, id)))
        await artifacts.remove(model, id)
    },
    revokeByGrantId: revokeGrant,
  })
  const sessionAdapter: SessionAdapter = {
    ...artifactAdapter('Session'),
    replace: (before, id, payload, expiresIn) =>
      artifacts.replaceFleeting(before, toArtifact('Session', id, payload, expiresIn)),
  }
  return (model) => {
    if (model === 'Client') return clientAdapter(ports)
    if (model === 'Session') return sessionAdapter
    return model === refreshTokenModel ? refreshTokenAdapter(ports) : artifactAdapter(model)
  }
}

/**
 * If several users confirm one user code concurrently, only the first to mark it goes on. Throws
 * InvalidRequest.
 */
async function claimDeviceCode(
  artifacts: ArtifactStore,
  id: string,
  { inFlight, accountId, error }: AdapterPayload,
  expiresAt: number | undefined,
): Promise<void> {
  if (inFlight !== true || accountId !== undefined || error !== undefined) return
  const claim = { model: seenOnceModel, id: `device-code\0${id}`, payload: {}, expiresAt }
  if (!(await artifacts.insertOnce(claim))) throw new errors.InvalidRequest('this code is in use already')
}

/**
 * Whether a client gets its token with the answer for which the grant is made, without a code to redeem
 * later.
 */
function isGrantedAtOnce(model: string): boolean {
  return model === 'Grant' && Provider.ctx?.oidc.route === 'token'
}

function restore(found: FoundArtifact | undefined): AdapterPayload | undefined {
  if (found === undefined) return undefined
  const { payload, consumedAt } = found
  return consumedAt === undefined ? payload : { ...payload, consumed: Math.floor(consumedAt / 1000) }
}
