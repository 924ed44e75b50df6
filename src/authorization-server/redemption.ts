import type { KoaContextWithOIDC } from 'oidc-provider'
import { parseScopes } from '../core/scope.ts'
import { digest } from '../core/secret.ts'
import type { ArtifactStore, FoundArtifact } from '../storage/contract.ts'
import type { HeldRefreshToken, RefreshTokenUse } from '../storage/refresh-token-contract.ts'
import type { RevocationStore } from '../storage/revocation-contract.ts'
import { grants } from './grants.ts'
import { errors, Provider } from './library.ts'
import type { RefreshTokenName } from './refresh-token-format.ts'
import type { AuthorizationServerSettings } from './settings.ts'

/** The library's name of refresh tokens. */
export const refreshTokenModel = 'RefreshToken'

/** The library's name of authorization codes in the store. */
const codeModel = 'AuthorizationCode'

/**
 * Stands for the redirect URI of a token request that names none: OAuth 2.1 has taken the parameter away (section 10.2), and
 * the library insists on it. Whoever sends this text says the same: that a code is for its client is shown by PKCE, always.
 */
export const omittedRedirectUri = 'urn:portcullis:redirect-uri-omitted'

/** How many uses are remembered. Of more within one window, the first are taken for theft. */
const rememberedUses = 16

/** A use that a store which went back in time has lost: nobody's. */
const unknownUse: RefreshTokenUse = { at: 0, request: '' }

/** In the place of a serial, for a token of the time before they had one. */
export const beforeFirst = -1

interface RedemptionPorts extends Pick<AuthorizationServerSettings, 'tokens' | 'clock'> {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
}

/** A refresh token that was presented, and the one that its grant has. */
export interface Presented extends RefreshTokenName {
  readonly held: HeldRefreshToken
}

/**
 * A code or refresh token that a token request redeems. The library finds it, finds its grant, uses it up and stores
 * its successor, one after the other. Here the first two are one statement and the last two are another, which comes
 * when the answer is ready: the used token and its successor change places at once or not at all.
 */
interface Redemption {
  /** What the library has still to ask for. */
  grant: FoundArtifact | undefined
  readonly presented?: Presented
  /** The code that is used up. */
  code?: string
  successor?: { readonly grantId: string; readonly payload: HeldRefreshToken['payload'] }
}

const redemptions = new WeakMap<object, Redemption>()

function running(): Redemption | undefined {
  return Provider.ctx === undefined ? undefined : redemptions.get(Provider.ctx)
}

/**
 * Finds an artifact; with its grant, where it is the code that the running token request redeems. A redirect URI that the
 * request does not name is then that of the code; one that it names has to be.
 */
export async function findToRedeem(
  artifacts: ArtifactStore,
  model: string,
  id: string,
): Promise<FoundArtifact | undefined> {
  const context = Provider.ctx
  if (context?.oidc.route !== 'token' || model !== codeModel) return artifacts.find(model, id)
  const { found, grant } = await artifacts.findWithGrant(model, id)
  redemptions.set(context, { grant })
  const { params } = context.oidc
  if (params?.['redirect_uri'] === omittedRedirectUri) params['redirect_uri'] = found?.payload['redirectUri']
  return found
}

/** Notes the refresh token that the running token request presents, and the grant that it was found with. */
export function present(presented: Presented, grant: FoundArtifact): void {
  const context = Provider.ctx
  if (context?.oidc.route === 'token') redemptions.set(context, { grant, presented })
}

/** The refresh token that the running token request presents. */
export function presentedToken(): Presented | undefined {
  return running()?.presented
}

/** The grant of what is redeemed, which was found with it, once. */
export function takeGrant(id: string): FoundArtifact | undefined {
  const redemption = running()
  const grant = redemption?.grant
  if (redemption === undefined || grant?.payload['jti'] !== id) return undefined
  redemption.grant = undefined
  return grant
}

/** Notes that a code is used up. Returns false where that must happen now. */
export function useLater(model: string, id: string): boolean {
  const redemption = running()
  if (redemption === undefined || model !== codeModel) return false
  redemption.code = id
  return true
}

/** Keeps the refresh token that comes of what is redeemed. Returns false where it must be stored now. */
export function holdLater(grantId: string, payload: HeldRefreshToken['payload']): boolean {
  const redemption = running()
  if (redemption === undefined) return false
  redemption.successor = { grantId, payload }
  return true
}

/** The first refresh token of a grant. */
export function firstToken(payload: HeldRefreshToken['payload']): HeldRefreshToken {
  return { payload, serial: 0, uses: [] }
}

/**
 * Ends a redemption, after the library and before the answer leaves. A code is used up by whatever came of it, unless
 * that was a fault of ours; a refresh token by success alone.
 */
export async function settleRedemption(ports: RedemptionPorts, context: KoaContextWithOIDC): Promise<void> {
  const { code, successor, presented } = redemptions.get(context) ?? {}
  if (presented !== undefined) {
    if (context.status === 200 && successor !== undefined)
      await settleRefresh(ports, context, presented, successor.payload)
    return
  }
  if (code === undefined || context.status >= 500) return
  const gives = successor && { grantId: successor.grantId, token: firstToken(successor.payload) }
  if (await ports.artifacts.consume(codeModel, code, gives)) return
  // Two requests presented the same code at once: the second one is a replay.
  const grantId = context.oidc.entities.AuthorizationCode?.grantId
  await refuseReplay(ports, context, grantId, 'authorization code already used')
}

/** When and for what a token was used; undefined for one that is good, or whose use is forgotten. */
export function useOf({ serial, held }: Presented): RefreshTokenUse | undefined {
  return held.uses[held.serial - 1 - serial]
}

/**
 * Whether a use was a moment ago: the adapter shows the library a refresh token that was used then as unused. Afterwards
 * using it again is theft. Counted to both sides: the clock of another replica may be ahead, but one that was set back opens
 * no window again.
 */
export function isWithinWindow(
  { tokens, clock }: Pick<AuthorizationServerSettings, 'tokens' | 'clock'>,
  use: RefreshTokenUse | undefined,
): boolean {
  return use !== undefined && Math.abs(clock.now() - use.at) < tokens.refreshWindowSeconds * 1000
}

/**
 * Ends a successful refresh (RFC 6749 section 6), after the library and before the answer leaves. One conditional
 * statement puts the successor into the place of the old token, and notes when and for what that was used. Everybody
 * knows the successor of a token by the token alone, so of many requests at once, in any number of processes, one changes
 * the store and all of them answer with one and the same refresh token, each with an access token of its own. The library
 * has by then authenticated the client and checked grant, account, scope, resource and proof for each of them. A process
 * that dies before the statement has told nobody anything: the old token is still good. One that dies after it has lost
 * nothing: until the window closes, the old token leads to the same successor.
 *
 * Where the token was used for something else (scope, resource or proof key differ), or the window is closed, it was used
 * twice: its grant ends (RFC 9700 section 4.14.2).
 *
 * A store that went back in time, by a power cut or a backup, holds a token that was used. Whoever brings a later one shows
 * that, since nobody else can write them; the one that the store holds is a used one from then on.
 */
async function settleRefresh(
  ports: RedemptionPorts,
  context: KoaContextWithOIDC,
  { grantId, serial, held }: Presented,
  payload: HeldRefreshToken['payload'],
): Promise<void> {
  const request = describeRequest(context)
  if (serial >= held.serial) {
    const missed = Array.from({ length: Math.min(serial - held.serial, rememberedUses) }, () => unknownUse)
    const uses = [{ at: ports.clock.now(), request }, ...missed, ...held.uses].slice(0, rememberedUses)
    const successor = { payload, serial: serial + 1, uses }
    const before = held.serial === beforeFirst ? undefined : held.serial
    if (await ports.artifacts.holdRefreshToken(grantId, successor, before)) return
  }
  const now = (await ports.artifacts.find('Grant', grantId))?.refreshToken
  const use = now && useOf({ grantId, serial, held: now })
  if (use?.request === request && isWithinWindow(ports, use)) return
  await refuseReplay(ports, context, grantId, 'refresh token already used')
}

/**
 * A hash of what makes two refreshes with one token the same request. What they leave out means what the token has, but for
 * `openid`, which answers of earlier versions did not name.
 */
function describeRequest({ oidc: { params, entities } }: KoaContextWithOIDC): string {
  const used = entities.RotatedRefreshToken
  const scope = params?.['scope'] || used?.scope
  return digest(
    JSON.stringify([
      [params?.['resource'] ?? used?.resource ?? []].flat(),
      parseScopes(scope)
        .filter((one) => one !== 'openid')
        .toSorted(),
      entities.AccessToken?.jkt ?? '',
    ]),
  ).slice(0, 22)
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
