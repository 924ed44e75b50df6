import type { KoaContextWithOIDC, interactionPolicy as Library } from 'oidc-provider'
import { parseScopes } from '../core/scope.ts'
import type { Identity } from '../identity/contract.ts'
import { interactionPolicy as library } from './library.ts'
import { currentAccount } from './session.ts'
import type { AuthorizationServerSettings } from './settings.ts'
import type { StepUps } from './step-up.ts'

const { Check, Prompt } = library

/**
 * When a person is asked: to log in where there is no session, and to consent unless the same was agreed to before.
 * The library would let a client through that asks for nothing new in this session; here each authorization has a
 * grant of its own, which a decision of this request has made, or one that is remembered.
 */
export function interactionPolicy({
  stepUps,
  rememberedConsents: consents,
  identity,
}: AuthorizationServerSettings): Library.DefaultPolicy {
  const prompts = library.base()
  prompts
    .get('login')
    ?.checks.add(
      new Check('login_ended', 'the login no longer counts', 'login_required', ({ oidc }) =>
        loginEnded(identity, oidc),
      ),
    )
  const consent = prompts.get('consent')
  if (consent === undefined) throw new Error('oidc-provider has no consent prompt any more')
  consent.checks.remove('native_client_prompt')
  consent.checks.add(
    new Check('consent_missing', 'the user has not decided yet', 'interaction_required', (context) =>
      context.oidc.entities.Grant?.jti === undefined ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  )
  // A prompt that asks nothing: the one place between login and consent where the request can still be widened.
  const widening = new Check(
    'scopes_challenged',
    'scopes were found missing',
    'interaction_required',
    async (context) => {
      await askForChallengedScopes(stepUps, context)
      if (await consents.grantRemembered(context)) await forgetChallenge(stepUps, context)
      return Check.NO_NEED_TO_PROMPT
    },
  )
  prompts.add(new Prompt({ name: 'step_up', requestable: false }, widening), 1)
  return prompts
}

async function forgetChallenge(stepUps: StepUps, { oidc }: KoaContextWithOIDC): Promise<void> {
  await stepUps.forget(oidc.client?.clientId ?? '', oidc.session?.accountId ?? '')
}

/**
 * A session outlives nothing that ends its login: neither a disabled account nor a changed password. Where it is this request
 * that hears the no of an identity provider, the session has ended by now, and the person goes on as a stranger.
 */
async function loginEnded(identity: Identity, oidc: KoaContextWithOIDC['oidc']): Promise<boolean> {
  const { session, provider } = oidc
  if (session?.accountId === undefined) return Check.NO_NEED_TO_PROMPT
  const account = await currentAccount(identity, session.accountId, session.loginTs)
  const confirmation = account && (await identity.confirm(account.id))
  if (confirmation === 'ended') Object.assign(oidc, { session: new provider.Session() })
  return confirmation === 'current' ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
}

/** Adds to the request what the client was just told that it lacks, so that the user is asked for it. */
async function askForChallengedScopes(stepUps: StepUps, { oidc }: KoaContextWithOIDC): Promise<void> {
  const { client, session, params, result } = oidc
  const resource = params?.['resource']
  if (client === undefined || session?.accountId === undefined || params === undefined) return
  if (typeof resource !== 'string' || result?.consent !== undefined) return
  const needed = await stepUps.neededScopes(client.clientId, session.accountId, resource)
  params['scope'] = [...new Set([...parseScopes(params['scope']), ...needed])].join(' ')
}
