import type { Context } from 'hono'
import { html } from 'hono/html'
import { secretsEqual } from '../core/secret.ts'
import type { DashboardAccess, DashboardPlace } from './access-contract.ts'
import type { Listing } from './contract.ts'
import { addressOf, isOwnForm, textOf } from './form.ts'
import { answerPage, type Frame, smallPage } from './pages/layout.ts'
import { signInPage } from './pages/sign-in-page.ts'
import { sessionOf } from './session-cookie.ts'

/** A request with a session. */
export interface Visit {
  readonly session: string
  /** Who opened the session. */
  readonly operator: string
  /** What surrounds the page with a path. */
  readonly frame: (path: string) => Frame
}

/** The fields of a form. Untrusted. */
type Form = Readonly<Record<string, unknown>>

/** Answers a request with a session. */
export type VisitHandler = (context: Context, visit: Visit) => Promise<Response>

/** Answers one of our forms. */
export type FormHandler = (context: Context, visit: Visit, form: Form) => Promise<Response>

type Handler = (context: Context) => Promise<Response>

interface Admission {
  /** Runs only with a session; all others are told how to get one. */
  readonly forSession: (answer: VisitHandler) => Handler
  /** The same for one of our forms, if the session is still valid after all of it has arrived. */
  readonly forForm: (answer: FormHandler) => Handler
}

interface VisitPorts {
  readonly place: DashboardPlace
  readonly access: DashboardAccess
  readonly listings: readonly Listing[]
}

/** What stands before everything that requires a session. */
export function admitVisitors({ place, access, listings }: VisitPorts): Admission {
  const forSession: Admission['forSession'] = (answer) => async (context) => {
    const session = sessionOf(place, {
      cookie: context.req.header('cookie'),
      host: context.req.header('host'),
    })
    const operator = await access.operatorOf(session)
    if (operator === undefined) return answerPage(context, signInPage(place), 401)
    const frame = (path: string): Frame => ({ place, listings, path, csrf: access.formToken(session) })
    return answer(context, { session, operator, frame })
  }
  const forForm: Admission['forForm'] = (answer) => async (context) => {
    // A form that cannot be read is not ours.
    const form: Form = await context.req.parseBody().catch(() => ({}))
    return forSession(async (_context, visit) => {
      if (isOwnForm(context) && secretsEqual(textOf(form['csrf']), access.formToken(visit.session)))
        return answer(context, visit, form)
      access.deny(addressOf(context), visit.operator)
      const page = smallPage('Not our form', html`<p>Open the page anew, and try again.</p>`)
      return answerPage(context, page, 403)
    })(context)
  }
  return { forSession, forForm }
}
