import { decodeJwt } from 'jose'
import type { KoaContextWithOIDC, interactionPolicy as Library } from 'oidc-provider'
import { parseScopes } from '../../core/scope.ts'
import type { Identity } from '../../identity/contract.ts'
import { errors, interactionPolicy as library } from '../library/library.ts'
import { currentAccount } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import type { StepUps } from './step-up.ts'

const { Check, Prompt } = library

/** The reason of a login that replaces somebody else's. */
export const otherUser = 'other_user'

/**
 * When a user is asked: to log in if there is no session, and to consent unless they agreed to the same
 * before. The library would let a client through that asks for nothing new in this session; here each
 * authorization has a separate grant, made by a decision of this request or by remembered consent.
 */
export function interactionPolicy({
  stepUps,
  rememberedConsents: consents,
  identity,
}: AuthorizationServerSettings): Library.DefaultPolicy {
  const prompts = library.base()
  const login = prompts.get('login')
  login?.checks.add(
    new Check('login_ended', 'the login no longer counts', 'login_required', ({ oidc }) =>
      loginEnded(identity, oidc),
    ),
  )
  login?.checks.add(
    new Check(otherUser, 'another user is meant', 'login_required', ({ oidc }) => isOtherUser(oidc)),
  )
  const consent = prompts.get('consent')
  if (consent === undefined) throw new Error('oidc-provider has no consent prompt any more')
  consent.checks.remove('native_client_prompt')
  consent.checks.add(
    new Check('consent_missing', 'the user has not decided yet', 'interaction_required', (context) =>
      context.oidc.entities.Grant?.jti === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  )
  // A prompt that asks nothing: the one place between login and consent where the request can still be
  // widened.
  const widening = new Check(
    'scopes_challenged',
    'scopes were found missing',
    'interaction_required',
    async (context) => {
      await askForChallengedScopes(stepUps, context)
      await consents.grantRemembered(context)
      return Check.NO_NEED_TO_PROMPT
    },
  )
  prompts.add(new Prompt({ name: 'step_up', requestable: false }, widening), 1)
  return prompts
}

/**
 * A session outlives nothing that ends its login, such as a disabled account or a changed password. If this
 * is the request that receives an identity provider's refusal, the session has ended by now, and the user
 * goes on as a stranger.
 */
async function loginEnded(identity: Identity, oidc: KoaContextWithOIDC['oidc']): Promise<boolean> {
  const { session, provider } = oidc
  if (session?.accountId === undefined) return Check.NO_NEED_TO_PROMPT
  const account = await currentAccount(identity, session.accountId, session.loginTs)
  const confirmation = account && (await identity.confirm(account.id))
  if (confirmation === 'ended') Object.assign(oidc, { session: new provider.Session() })
  const isVouchedFor = confirmation === 'current' || confirmation === 'renewed'
  return isVouchedFor ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
}

/**
 * Whether a user other than the one in the client's ID token hint is signed in. The library checks this once,
 * before the login; if somebody else has signed in then, they must not get anything in that user's place
 * (OpenID Connect Core section 3.1.2.1). Throws LoginRequired.
 */
function isOtherUser({ params, session, result }: KoaContextWithOIDC['oidc']): boolean {
  const hint = params?.['id_token_hint']
  // It was verified when the request came, and is stored with it.
  if (typeof hint !== 'string' || session?.accountId === undefined) return Check.NO_NEED_TO_PROMPT
  if (decodeJwt(hint).sub === session.accountId) return Check.NO_NEED_TO_PROMPT
  if (result?.login !== undefined)
    throw new errors.LoginRequired('another user has signed in than the one who is meant')
  return Check.REQUEST_PROMPT
}

/**
 * Adds to the request the scopes that the client was just told it lacks, so that the user is asked for them.
 */
async function askForChallengedScopes(stepUps: StepUps, { oidc }: KoaContextWithOIDC): Promise<void> {
  const { client, session, params, result } = oidc
  const resource = params?.['resource']
  if (client === undefined || session?.accountId === undefined || params === undefined) return
  if (typeof resource !== 'string' || result?.consent !== undefined) return
  const needed = await stepUps.neededScopes(client.clientId, session.accountId, resource)
  params['scope'] = [...new Set([...parseScopes(params['scope']), ...needed])].join(' ')
}
