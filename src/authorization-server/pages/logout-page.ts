import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { logoutPath, personLogin } from '../paths.ts'
import { accountNav } from './account-nav.ts'

interface LogoutPage {
  readonly csrf: string
  /** Undefined where the login does not count at the moment. */
  readonly accountName: string | undefined
  /** Whether users are kept here. */
  readonly hasLocal: boolean
}

/** Asks whether somebody wants to sign out. */
export function logoutPage(site: Site, { csrf, accountName, hasLocal }: LogoutPage): Markup {
  return renderPage(
    site,
    'Sign out?',
    html`${
      accountName === undefined
        ? html`<p>The login of this browser does not count at the moment. Sign out, so that it never counts again.</p>`
        : html`<p>You are <strong>${accountName}</strong>. Programs that you let in stay in; your account has a list of them.</p>`
    }
      <form method="post" action="${site.path(logoutPath)}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <div class="actions"><button class="primary" type="submit">Sign out</button></div>
      </form>
      ${accountName === undefined ? '' : accountNav(site, logoutPath, hasLocal)}`,
  )
}

/** What a person sees who is not signed in. */
export function signedOutPage(site: Site): Markup {
  return renderPage(
    site,
    'You are signed out',
    html`<p>Nobody is signed in at this browser. <a href="${site.path(personLogin.login)}">Sign in</a></p>`,
  )
}
