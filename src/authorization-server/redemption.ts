import type { KoaContextWithOIDC } from 'oidc-provider'
import { tokenSealer } from '../core/secret.ts'
import type { Artifact, ArtifactStore, FoundArtifact, RevocationStore } from '../storage/contract.ts'
import { grants } from './grants.ts'
import { errors, Provider } from './library.ts'
import type { AuthorizationServerSettings } from './settings.ts'

/** The library's name of refresh tokens in the store. */
export const refreshTokenModel = 'RefreshToken'

/** The library's name of authorization codes in the store. */
const codeModel = 'AuthorizationCode'

const purpose = 'refresh-answer'

interface RedemptionPorts extends Pick<AuthorizationServerSettings, 'tokens' | 'clock'> {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
}

/**
 * A code or refresh token that a token request redeems. The library finds it, finds its grant, uses it up and stores
 * its successor, one after the other. Here the first two are one statement and the last two are another, which comes
 * when the answer is ready: the used token and its successor change places at once or not at all.
 */
interface Redemption {
  /** What the library has still to ask for. */
  grant: FoundArtifact | undefined
  used?: { readonly model: string; readonly id: string }
  successor?: Artifact
}

const isRedeemed = (model: string): boolean => model === refreshTokenModel || model === codeModel

const redemptions = new WeakMap<object, Redemption>()

function running(): Redemption | undefined {
  return Provider.ctx === undefined ? undefined : redemptions.get(Provider.ctx)
}

/** Finds an artifact; with its grant, where it is what the running token request redeems. */
export async function findToRedeem(
  artifacts: ArtifactStore,
  model: string,
  id: string,
): Promise<FoundArtifact | undefined> {
  const context = Provider.ctx
  if (context?.oidc.route !== 'token' || !isRedeemed(model)) return artifacts.find(model, id)
  const { found, grant } = await artifacts.findWithGrant(model, id)
  redemptions.set(context, { grant })
  return found
}

/** The grant of what is redeemed, which was found with it, once. */
export function takeGrant(id: string): FoundArtifact | undefined {
  const redemption = running()
  const grant = redemption?.grant
  if (redemption === undefined || grant?.payload['jti'] !== id) return undefined
  redemption.grant = undefined
  return grant
}

/** Notes that something is used up. Returns false where that must happen now. */
export function useLater(model: string, id: string): boolean {
  const redemption = running()
  if (redemption === undefined || !isRedeemed(model)) return false
  redemption.used = { model, id }
  return true
}

/** Keeps the successor of what is used up. Returns false where it must be stored now. */
export function storeLater(artifact: Artifact): boolean {
  const redemption = running()
  if (redemption?.used === undefined || artifact.model !== refreshTokenModel) return false
  redemption.successor = artifact
  return true
}

/**
 * Ends a redemption, after the library and before the answer leaves. A code is used up by whatever came of it, unless
 * that was a fault of ours; a refresh token by success alone.
 */
export async function settleRedemption(ports: RedemptionPorts, context: KoaContextWithOIDC): Promise<void> {
  const { used, successor } = redemptions.get(context) ?? {}
  if (used === undefined || context.status >= 500) return
  if (used.model === refreshTokenModel) return settleRefresh(ports, context, used.id, successor)
  if (await ports.artifacts.consume(used.model, used.id, { successor })) return
  // Two requests presented the same code at once: the second one is a replay.
  const grantId = context.oidc.entities.AuthorizationCode?.grantId
  await refuseReplay(ports, context, grantId, 'authorization code already used')
}

/**
 * The adapter shows the library a used refresh token as unused for so long; afterwards using it again is theft. Counted to
 * both sides: the clock of another replica may be ahead, but one that was set back opens no window again.
 */
export function isWithinWindow({ tokens, clock }: RedemptionPorts, { consumedAt }: FoundArtifact): boolean {
  return consumedAt !== undefined && Math.abs(clock.now() - consumedAt) < tokens.refreshWindowSeconds * 1000
}

/**
 * Ends a successful refresh (RFC 6749 section 6), after the library and before the answer leaves. One conditional
 * statement marks the old token as used and keeps the answer with the mark, sealed with a key that only the old token
 * gives. So of many requests at once, in any number of processes, one answer counts, with its successor; the others
 * give that same answer. The library has by then authenticated the client and checked grant,
 * account, scope, resource and proof for each of them. A process that dies before the statement has told nobody
 * anything: the old token is still good. One that dies after it has lost nothing: the answer is there to be asked for
 * again, until the window closes.
 *
 * Where the kept answer belongs to another request (scope, resource or proof key differ), or the window is closed,
 * the token was used twice: its grant ends (RFC 9700 section 4.14.2).
 */
async function settleRefresh(
  ports: RedemptionPorts,
  context: KoaContextWithOIDC,
  id: string,
  successor: Artifact | undefined,
): Promise<void> {
  const used = context.oidc.entities.RotatedRefreshToken
  if (used === undefined || context.status !== 200) return
  const { artifacts } = ports
  const answers = tokenSealer(id, purpose)
  const request = describeRequest(context, used)
  const answerOfUse = answers.seal(JSON.stringify(context.body), request)
  if (await artifacts.consume(refreshTokenModel, id, { answer: answerOfUse, successor })) return

  const found = await artifacts.find(refreshTokenModel, id)
  const kept = found !== undefined && isWithinWindow(ports, found) ? found.answer : undefined
  const answer = kept === undefined ? undefined : answers.open(kept, request)
  if (answer !== undefined) {
    context.body = JSON.parse(answer)
    return
  }
  await refuseReplay(ports, context, used.grantId, 'refresh token already used')
}

/** What makes two refreshes the same request. What they leave out means what the token has. */
function describeRequest(
  { oidc: { params, entities } }: KoaContextWithOIDC,
  used: {
    readonly clientId?: string | undefined
    readonly resource?: unknown
    readonly scope?: string | undefined
  },
): string {
  const scope = typeof params?.['scope'] === 'string' ? params['scope'] : used.scope
  return JSON.stringify([
    used.clientId,
    [params?.['resource'] ?? used.resource ?? []].flat(),
    [...new Set(scope?.split(' '))].toSorted(),
    entities.AccessToken?.jkt ?? '',
  ])
}

/** What is used twice ends its grant, with all that came from it (RFC 9700 section 4.14.2). */
async function refuseReplay(
  ports: RedemptionPorts,
  context: KoaContextWithOIDC,
  grantId: string | undefined,
  reason: string,
): Promise<void> {
  if (grantId !== undefined) await grants(ports).revoke(grantId)
  const error = new errors.InvalidGrant(reason)
  context.oidc.provider.emit('grant.error', context, error)
  context.status = error.statusCode
  context.body = { error: error.error, error_description: error.error_description }
}
