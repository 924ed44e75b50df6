import type { Context, Handler } from 'hono'
import type { DashboardAccess, DashboardPlace } from './access-contract.ts'
import { addressOf, isOwnForm } from './form.ts'
import { answerPage } from './pages/layout.ts'
import { linkPage, signInPage } from './pages/sign-in-page.ts'
import { sessionCookie } from './session-cookie.ts'
import type { VisitHandler } from './visit.ts'

interface SignInPorts {
  readonly place: DashboardPlace
  readonly access: DashboardAccess
}

/** Shows what a link is for. Opening a link does not use it up, so that link previews do no harm. */
export function showLink(context: Context): Response | Promise<Response> {
  return answerPage(context, linkPage())
}

/** Uses a link up, and begins a session. */
export function enter({ place, access }: SignInPorts): Handler<object, '/sign-in/:token'> {
  return async (context) => {
    const address = addressOf(context)
    if (!isOwnForm(context)) {
      access.deny(address)
      return answerPage(context, signInPage(place), 403)
    }
    const session = await access.enter(context.req.param('token'), address)
    if (session === undefined) return answerPage(context, signInPage(place), 401)
    context.header('Set-Cookie', sessionCookie(place, context.req.header('host'), session))
    return context.redirect(place.base || '/', 303)
  }
}

/** Ends a session. */
export function signOut({ place, access }: SignInPorts): VisitHandler {
  return async (context, { session }) => {
    await access.leave(session, addressOf(context))
    context.header('Set-Cookie', sessionCookie(place, context.req.header('host'), undefined))
    // Over plain http, Safari keeps pages for its Back button that it must not store.
    context.header('Clear-Site-Data', '"cache"')
    return answerPage(context, signInPage(place))
  }
}

/**
 * Proves whose dashboard it is. Prevents sending anybody with a link to something else that now listens at a
 * former address of this dashboard.
 */
export function proveOwner({ access }: Pick<SignInPorts, 'access'>): Handler<object, '/proof/:challenge'> {
  return (context) => context.text(access.prove(context.req.param('challenge')))
}
