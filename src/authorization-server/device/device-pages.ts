import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import { parseScopes } from '../../core/scope.ts'
import { advicePage } from '../error-page.ts'
import { answerWithPage } from '../library/library-page.ts'
import { confirmDevicePage, deviceCodePage, deviceDeniedPage, deviceDonePage } from '../pages/device-pages.ts'
import { displayedClientName } from '../registration/client-name.ts'
import { requestIdOf } from '../request-id.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

/** An error of the library that sends the user back to the form. */
interface Problem {
  readonly name: string
  readonly statusCode?: number
  readonly userCode?: string
}

type ConfirmArguments = [
  context: KoaContextWithOIDC,
  form: string,
  client: Client,
  deviceInfo: object,
  userCode: string,
]

interface DevicePages {
  userCodeInputSource(
    context: KoaContextWithOIDC,
    form: string,
    out?: { readonly error: string },
    problem?: Problem,
  ): Promise<void>
  userCodeConfirmSource(...confirmed: ConfirmArguments): Promise<void>
  successSource(context: KoaContextWithOIDC): Promise<void>
}

const problems: Readonly<Record<string, string>> = {
  NoCodeError: 'Type the code that your device shows.',
  NotFoundError: 'There is no such code. Compare it with what your device shows.',
  ExpiredError: 'This code has expired. Make your device show a new one.',
  AlreadyUsedError: 'This code has been used. Make your device show a new one.',
}

/** The pages on which a user approves a device (RFC 8628 section 3.3), instead of the library's own forms. */
export function devicePages({ resources, scopes, site }: AuthorizationServerSettings): DevicePages {
  return {
    async userCodeInputSource(context, _form, out, problem) {
      context.state[codeProblem] = problem?.name
      if (out?.error === 'server_error')
        return answerWithPage(context, advicePage(site, 'server_error', requestIdOf(context.req)))
      if (out?.error === 'invalid_client')
        return answerWithPage(context, advicePage(site, 'unknown_client', requestIdOf(context.req)))
      if (problem?.name === 'AbortedError') return answerWithPage(context, deviceDeniedPage(site))
      const typed = problem?.userCode ?? context.state[typedCode]
      const text = problem && (problems[problem.name] ?? 'That did not work. Type the code again.')
      return answerWithPage(
        context,
        deviceCodePage(site, { ...formOf(context), code: codeText(typed), problem: text }),
      )
    },
    userCodeConfirmSource(...[context, _form, client, _info, userCode]) {
      const { params = {} } = context.oidc.entities.DeviceCode ?? {}
      const resource = resources.find(String(params['resource'])) ?? resources.fallback
      const page = confirmDevicePage(site, {
        ...formOf(context),
        code: userCode,
        clientName: displayedClientName(client),
        resourceName: resource?.name ?? site.url,
        catalogue: scopes,
        scopes: parseScopes(params['scope']),
      })
      return answerWithPage(context, page)
    },
    successSource: (context) =>
      answerWithPage(context, deviceDonePage(site, displayedClientName(context.oidc.client))),
  }
}

/** In the state of a context: the code from a link. */
export const typedCode = 'deviceUserCode'
/** In the state of a context: the name of the error that sent the user back to the form. */
export const codeProblem = 'deviceCodeProblem'

function formOf({ oidc }: KoaContextWithOIDC): { action: string; xsrf: string } {
  const { secret } = (oidc.session?.state ?? {}) as { secret?: string }
  return { action: new URL(oidc.urlFor('code_verification')).pathname, xsrf: secret ?? '' }
}

/** Only what could be a code is put back into the form. */
function codeText(typed: unknown): string {
  return typeof typed === 'string' && /^[A-Za-z0-9 -]{1,24}$/.test(typed) ? typed : ''
}
