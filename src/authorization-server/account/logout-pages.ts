import type { Provider } from 'oidc-provider'
import { displayText } from '../../core/display-text.ts'
import type { Forms } from '../forms.ts'
import type { ProviderDesk } from '../login/provider-desk.ts'
import type { Notes } from '../notes.ts'
import { type PageApp, type PageContext, sendMarkup, visitOf } from '../page-app.ts'
import { logoutPage, signedOutPage } from '../pages/logout-page.ts'
import { logoutPath } from '../paths.ts'
import { endSession, loggedIn } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

interface LogoutPorts {
  readonly provider: Provider
  readonly settings: AuthorizationServerSettings
  readonly forms: Forms
  readonly notes: Notes
  readonly desk: ProviderDesk
}

/** Adds the page on which users sign out here and, if it is set so, at their identity provider. */
export function addLogoutPages(
  pages: PageApp,
  { provider, settings, forms, notes, desk }: LogoutPorts,
): void {
  const { identity, local, site } = settings
  /**
   * Who may sign out: also a user whose login is not valid at the moment, since it can become valid again, when
   * a provider or a rule is restored.
   */
  const leaver = (context: PageContext) => loggedIn(provider, identity, visitOf(context))

  pages.get(logoutPath, async (context) => {
    const who = await leaver(context)
    if (who === undefined) return sendMarkup(context, signedOutPage(site))
    const csrf = forms.token(who.session.uid)
    const page = logoutPage(site, {
      csrf,
      accountName: who.account && displayText(who.account.displayName),
      hasLocal: local !== undefined && who.account?.provider === undefined,
    })
    return sendMarkup(context, page)
  })

  pages.post(logoutPath, async (context) => {
    const who = await leaver(context)
    if (who !== undefined) {
      forms.read(context, who.session.uid)
      notes.of(context.env.incoming).subject = who.accountId
      await endSession(provider, site, visitOf(context))
      const onward = await desk.logoutUrl(context, who.account?.provider)
      if (onward !== undefined) return context.redirect(onward.href, 303)
    }
    return context.redirect(site.path(logoutPath), 303)
  })
}
