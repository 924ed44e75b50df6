import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Markup } from '../../http/page.ts'
import { seenOnceModel } from '../../storage/artifact-contract.ts'
import { addressOf } from '../caller-address.ts'
import { advicePage } from '../error-page.ts'
import { answerWithPage } from '../library/library-page.ts'
import type { Note, Notes } from '../notes.ts'
import { tooManyCodesPage } from '../pages/device-pages.ts'
import { endpointPaths } from '../paths.ts'
import { requestIdOf } from '../request-id.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { codeProblem, typedCode } from './device-pages.ts'
import { userCodeAttempts } from './user-code-attempts.ts'

type StepContext = Parameters<Parameters<Provider['use']>[0]>[0]

const pollSeconds = 5

/**
 * For log and audit: refusals that a page tells the user with status 200, and that the library reports to
 * nobody.
 */
const refusals: Readonly<Record<string, Pick<Note, 'error' | 'reason'>>> = {
  NoCodeError: { error: 'invalid_request', reason: 'no device code was typed' },
  NotFoundError: { error: 'user_code_unknown', reason: 'there is no such device code' },
  ExpiredError: { error: 'expired_token', reason: 'the device code has expired' },
  AlreadyUsedError: { error: 'user_code_used', reason: 'the device code has been used' },
  AbortedError: { error: 'access_denied', reason: 'the person did not let the device in' },
}

/**
 * What the device grant (RFC 8628) needs around the library:
 * - a link with a code shows the code in the form, which the library would submit with a script
 *   (section 3.3.1);
 * - wrong codes are limited for each address (section 5.1), and a form from another origin is refused;
 * - a device that asks too often is told to slow down (section 3.5);
 * - a refused code does not count as success, though its page has status 200.
 */
export function addDeviceSteps(
  provider: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): void {
  const attempts = userCodeAttempts(settings.rateLimit)
  provider.use(async (context, next) => {
    if (context.path === endpointPaths.code_verification && context.method === 'GET') keepCodeForForm(context)
    if (context.path !== endpointPaths.code_verification || context.method !== 'POST') {
      await next()
      noteRefusal(context, notes)
      if ('oidc' in context) await slowDownPolling(settings, context as KoaContextWithOIDC)
      return
    }
    const origin = context.get('origin')
    if (origin !== '' && !settings.site.origins.includes(origin))
      return sendPage(context, 400, advicePage(settings.site, 'session_not_found', requestIdOf(context.req)))
    const address = addressOf(context.req)
    if (!(await attempts.begin(address))) return sendPage(context, 429, tooManyCodesPage(settings.site))
    await next()
    noteRefusal(context, notes)
    if (context.state[codeProblem] !== 'NotFoundError') await attempts.forgive(address)
  })
}

function noteRefusal({ state, req }: StepContext, notes: Notes): void {
  Object.assign(notes.of(req), refusals[String(state[codeProblem])])
}

/** The library never sees the code in a link; a user has to submit it. */
function keepCodeForForm(context: StepContext): void {
  context.state[typedCode] = context.query['user_code']
  context.query = {}
}

async function slowDownPolling(
  settings: AuthorizationServerSettings,
  { oidc, body }: KoaContextWithOIDC,
): Promise<void> {
  const answer = body as Record<string, unknown> | undefined
  if (oidc.route === 'device_authorization' && answer?.['device_code'] !== undefined)
    answer['interval'] = pollSeconds
  if (oidc.route !== 'token' || answer?.['error'] !== 'authorization_pending') return
  if (await isFirstPoll(settings, String(oidc.params?.['device_code']))) return
  answer['error'] = 'slow_down'
  answer['error_description'] = `ask every ${pollSeconds} seconds at most, and wait longer from now on`
}

/**
 * Time is divided into slices as long as the interval: a device that waits that long never asks twice in one
 * slice.
 */
async function isFirstPoll(
  { artifacts, clock }: AuthorizationServerSettings,
  deviceCode: string,
): Promise<boolean> {
  const slice = Math.floor(clock.now() / (pollSeconds * 1000))
  const id = `device-poll\0${deviceCode}\0${slice}`
  return artifacts.insertOnce({ model: seenOnceModel, id, payload: {}, expiresAt: clock.now() })
}

async function sendPage(context: StepContext, status: number, page: Markup | Promise<string>): Promise<void> {
  context.status = status
  await answerWithPage(context, page)
}
