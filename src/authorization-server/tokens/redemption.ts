import type { KoaContextWithOIDC } from 'oidc-provider'
import { parseScopes } from '../../core/scope.ts'
import { digest } from '../../core/secret.ts'
import type { ArtifactStore, FoundArtifact } from '../../storage/artifact-contract.ts'
import type { HeldRefreshToken, RefreshTokenUse } from '../../storage/refresh-token-contract.ts'
import type { RevocationStore } from '../../storage/revocation-contract.ts'
import { errors, Provider } from '../library/library.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { grants } from './grants.ts'
import type { RefreshTokenName } from './refresh-token-format.ts'

/** The library's name for refresh tokens. */
export const refreshTokenModel = 'RefreshToken'

/** The library's name for authorization codes in the store. */
const codeModel = 'AuthorizationCode'

/**
 * Stands for the redirect URI of a token request that names none: OAuth 2.1 has removed the parameter
 * (section 10.2), but the library requires it. A client that sends this text says the same: PKCE always shows
 * that a code is for its client.
 */
export const omittedRedirectUri = 'urn:portcullis:redirect-uri-omitted'

/** How many uses are remembered. If there are more within one window, the first ones are taken for theft. */
const rememberedUses = 16

/** A use that was lost by a store that went back in time. */
const unknownUse: RefreshTokenUse = { at: 0, request: '' }

/** Replaces the serial of a token from before they had one. */
export const beforeFirst = -1

interface RedemptionPorts extends Pick<AuthorizationServerSettings, 'tokens' | 'clock'> {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
}

/** A refresh token that was presented, and the current one of its grant. */
export interface Presented extends RefreshTokenName {
  readonly held: HeldRefreshToken
}

/**
 * A code or refresh token that a token request redeems. The library finds it, finds its grant, uses it up and
 * stores its successor, one after the other. Here the first two are one statement and the last two are
 * another, which is executed when the answer is ready, so the used token is replaced by its successor
 * completely or not at all.
 */
interface Redemption {
  /** What the library still has to ask for. */
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
 * Finds an artifact; together with its grant if it is the code that the running token request redeems. If the
 * request names no redirect URI, that of the code is used; if it names one, the two must match.
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

/** The grant of what is redeemed, which was found with it. Can be taken once. */
export function takeGrant(id: string): FoundArtifact | undefined {
  const redemption = running()
  const grant = redemption?.grant
  if (redemption === undefined || grant?.payload['jti'] !== id) return undefined
  redemption.grant = undefined
  return grant
}

/** Notes that a code is used up. Returns false if that must happen now. */
export function useLater(model: string, id: string): boolean {
  const redemption = running()
  if (redemption === undefined || model !== codeModel) return false
  redemption.code = id
  return true
}

/** Keeps the refresh token that results from a redemption. Returns false if it must be stored now. */
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
 * Ends a redemption, after the library and before the answer is sent. A code is used up by any outcome except
 * an internal error; a refresh token only by success.
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
  // Two requests presented the same code concurrently: the second one is a replay.
  const grantId = context.oidc.entities.AuthorizationCode?.grantId
  await refuseReplay(ports, context, grantId, 'authorization code already used')
}

/** When and for what a token was used; undefined for a valid one, or if its use has been forgotten. */
export function useOf({ serial, held }: Presented): RefreshTokenUse | undefined {
  return held.uses[held.serial - 1 - serial]
}

/**
 * Whether a use was a moment ago: the adapter presents a refresh token that was used then to the library as
 * unused. After that, using it again is theft. Counted in both directions: the clock of another replica may
 * be ahead, but a clock that was set back does not reopen a window.
 */
export function isWithinWindow(
  { tokens, clock }: Pick<AuthorizationServerSettings, 'tokens' | 'clock'>,
  use: RefreshTokenUse | undefined,
): boolean {
  return use !== undefined && Math.abs(clock.now() - use.at) < tokens.refreshWindowSeconds * 1000
}

/**
 * Ends a successful refresh (RFC 6749 section 6), after the library and before the answer is sent. One
 * conditional statement replaces the old token by its successor, and records when and for what the old one
 * was used. The successor follows from the token itself, so of several concurrent requests, in any number of
 * processes, one changes the store and all of them answer with the same refresh token, each with a separate
 * access token. By then the library has authenticated the client and checked grant, account, scope, resource
 * and proof for each of them. If a process dies before the statement, it has told nobody anything, and the
 * old token is still valid. If it dies after it, nothing is lost: until the window closes, the old token
 * leads to the same successor.
 *
 * If the token was used for something else (a different scope, resource or proof key), or the window is
 * closed, it was used twice, and its grant ends (RFC 9700 section 4.14.2).
 *
 * A store that went back in time, because of a power cut or a backup, holds a token that has already been
 * used. A client that presents a later one proves that, since nobody else can write them; the one in the
 * store counts as used from then on.
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
 * A hash of what makes two refreshes with one token the same request. Omitted parameters mean what the token
 * has, except for `openid`, which answers of earlier versions did not name.
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

/** Using a token twice ends its grant, with everything that came from it (RFC 9700 section 4.14.2). */
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
