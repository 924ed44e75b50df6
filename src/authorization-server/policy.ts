import type { interactionPolicy as Library } from 'oidc-provider'
import { interactionPolicy as library } from './library.ts'

/**
 * When a person is asked: to log in where there is no session, and to consent to every authorization. The library
 * would let a client through that asks for nothing new; here nothing is granted without a decision of this request.
 */
export function interactionPolicy(): Library.DefaultPolicy {
  const prompts = library.base()
  const consent = prompts.get('consent')
  if (consent === undefined) throw new Error('oidc-provider has no consent prompt any more')
  consent.checks.remove('native_client_prompt')
  consent.checks.add(
    new library.Check('consent_missing', 'the user has not decided yet', 'interaction_required', (context) =>
      context.oidc.result?.consent === undefined ? library.Check.REQUEST_PROMPT : library.Check.NO_NEED_TO_PROMPT,
    ),
  )
  return prompts
}
