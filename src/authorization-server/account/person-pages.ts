import type { Provider } from 'oidc-provider'
import { pageForms } from '../forms.ts'
import { knownBrowsers } from '../login/known-browser.ts'
import { loginDesk } from '../login/login-desk.ts'
import { providerDesk, queryOf } from '../login/provider-desk.ts'
import type { Notes } from '../notes.ts'
import { type PageApp, type PageContext, pageApp, sendAdvice, visitOf } from '../page-app.ts'
import {
  accountPath,
  interactionPath,
  loginPaths,
  passkeysPath,
  passwordPath,
  personLogin,
} from '../paths.ts'
import { beginSession, type Login, signedIn } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { addAccountPages } from './account-pages.ts'
import { addLogoutPages } from './logout-pages.ts'
import { addPasskeyPages } from './passkey-pages.ts'
import { addPasswordPages } from './password-pages.ts'
import { addSetUpPages } from './set-up-pages.ts'

/**
 * Where a login may lead, as a local path: to our account pages only, since anybody can write a link to the
 * login.
 */
const destination = new RegExp(`^${accountPath}(?:/[a-z-]+)*$`)

/** The pages on which users sign in and out, set up an account and keep passkeys, without any client. */
export function personPages(
  provider: Provider,
  settings: AuthorizationServerSettings,
  notes: Notes,
): PageApp {
  const forms = pageForms(provider, settings)
  const login = loginDesk(provider, settings, notes)
  const desk = providerDesk(provider, settings, notes)
  const { local, clock, site } = settings
  const pages = pageApp(settings, notes, 'form_expired')
  const visitor = (context: PageContext) => signedIn(provider, settings.identity, visitOf(context))

  const next = (context: PageContext): string => {
    const asked = context.req.query('next') ?? ''
    return destination.test(asked) ? asked : accountPath
  }

  const place = (context: PageContext) => {
    const holder = forms.browser(context)
    const query = new URLSearchParams({ next: next(context) }).toString()
    return {
      action: `${site.path(personLogin.login)}?${query}`,
      passkeyAction: `${site.path(personLogin.passkey)}?${query}`,
      providerAction: `${site.path(personLogin.provider)}?${query}`,
      csrf: forms.token(holder),
      holder,
      next: next(context),
      fresh: context.req.query('again') !== undefined,
    }
  }

  const enter = async (context: PageContext, who: Login, to: string): Promise<Response> => {
    await beginSession(provider, settings, visitOf(context), who)
    return context.redirect(site.path(to), 303)
  }

  pages.get(personLogin.login, async (context) => {
    const again = context.req.query('again') !== undefined
    if (!again && (await visitor(context)) !== undefined)
      return context.redirect(site.path(next(context)), 303)
    return login.show(context, place(context))
  })

  for (const [path, check] of [
    [personLogin.login, login.check],
    [personLogin.passkey, login.checkPasskey],
  ] as const) {
    pages.post(path, async (context) => {
      const here = place(context)
      const answer = await check(context, here, forms.read(context, here.holder))
      return answer instanceof Response ? answer : enter(context, answer, next(context))
    })
  }

  pages.post(personLogin.provider, async (context) => {
    const here = place(context)
    return login.handOff(context, here, forms.read(context, here.holder))
  })

  // A page that answers a form has the address of that form's target, which may be opened again.
  for (const path of [personLogin.passkey, personLogin.provider])
    pages.get(path, (context) => context.redirect(place(context).action, 303))

  pages.get(personLogin.callback(':provider'), async (context) => {
    const visit = await desk.placeOf(context)
    const name = context.req.param('provider') ?? ''
    // The cookie of an authorization request is only sent to its own pages.
    if (visit.uid !== undefined)
      return context.redirect(
        `${site.path(loginPaths(interactionPath(visit.uid)).callback(name))}?${queryOf(context)}`,
        303,
      )
    const answer = await login.checkProvider(context, place(context), name)
    return answer instanceof Response ? answer : enter(context, answer, visit.next ?? accountPath)
  })

  addLogoutPages(pages, { provider, settings, forms, notes, desk })
  addAccountPages(pages, { provider, settings, forms, notes, visitor })
  if (local === undefined) {
    for (const path of [passkeysPath, passwordPath]) {
      pages.get(path, (context) => sendAdvice(context, site, { kind: 'no_local_users', status: 404 }))
    }
  } else {
    // Users of a provider have nothing here that could outlive what the provider says about them.
    for (const path of [passkeysPath, `${passkeysPath}/*`, passwordPath]) {
      pages.use(path, async (context, follow) => {
        if ((await visitor(context))?.account.provider === undefined) return follow()
        return sendAdvice(context, site, { kind: 'not_kept_here', status: 404 })
      })
    }
    addSetUpPages(pages, { site, setUp: local.setUp, forms, notes, enter, clock })
    addPasskeyPages(pages, { site, passkeys: local.passkeys, forms, notes, visitor, clock })
    addPasswordPages(pages, {
      site,
      passwords: local.passwords,
      browsers: knownBrowsers(provider, settings),
      forms,
      notes,
      visitor,
      enter,
      clock,
    })
  }
  return pages
}
