import type { KoaContextWithOIDC } from 'oidc-provider'
import { tokenSealer } from '../core/secret.ts'
import type { ArtifactStore, FoundArtifact, RevocationStore } from '../storage/contract.ts'
import { grants } from './grants.ts'
import { errors } from './library.ts'
import type { AuthorizationServerSettings } from './settings.ts'

/** The library's name of refresh tokens in the store. */
export const refreshTokenModel = 'RefreshToken'

const purpose = 'refresh-answer'

interface WindowPorts extends Pick<AuthorizationServerSettings, 'tokens' | 'clock'> {
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
}

/** The adapter shows the library a used refresh token as unused for so long; afterwards using it again is theft. */
export function isWithinWindow({ tokens, clock }: WindowPorts, { consumedAt }: FoundArtifact): boolean {
  return consumedAt !== undefined && clock.now() < consumedAt + tokens.refreshWindowSeconds * 1000
}

/**
 * Ends a successful refresh (RFC 6749 section 6), after the library and before the answer leaves. One conditional
 * statement marks the old token as used and keeps the answer with the mark, sealed with a key that only the old token
 * gives. So of many requests at once, in any number of processes, one answer counts; the others drop the successor
 * that they made and give that same answer. The library has by then authenticated the client and checked grant,
 * account, scope, resource and proof for each of them. A process that dies before the statement has told nobody
 * anything: the old token is still good. One that dies after it has lost nothing: the answer is there to be asked for
 * again, until the window closes.
 *
 * Where the kept answer belongs to another request (scope, resource or proof key differ), or the window is closed,
 * the token was used twice: its grant ends (RFC 9700 section 4.14.2).
 */
export async function settleRefresh(ports: WindowPorts, context: KoaContextWithOIDC): Promise<void> {
  const { RotatedRefreshToken: used, RefreshToken: successor } = context.oidc.entities
  if (used === undefined || successor === undefined || context.status !== 200) return
  const { artifacts } = ports
  const answers = tokenSealer(used.jti, purpose)
  const request = describeRequest(context, used)
  if (
    await artifacts.consume(refreshTokenModel, used.jti, answers.seal(JSON.stringify(context.body), request))
  )
    return

  await successor.destroy()
  const found = await artifacts.find(refreshTokenModel, used.jti)
  const kept = found !== undefined && isWithinWindow(ports, found) ? found.answer : undefined
  const answer = kept === undefined ? undefined : answers.open(kept, request)
  if (answer !== undefined) {
    context.body = JSON.parse(answer)
    return
  }
  if (used.grantId !== undefined) await grants(ports).revoke(used.grantId)
  refuse(context, new errors.InvalidGrant('refresh token already used'))
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

function refuse(context: KoaContextWithOIDC, error: InstanceType<typeof errors.InvalidGrant>): void {
  context.oidc.provider.emit('grant.error', context, error)
  context.status = error.statusCode
  context.body = { error: error.error, error_description: error.error_description }
}
