import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { logoutPath, personLogin } from '../paths.ts'
import { accountNav } from './account-nav.ts'

interface LogoutPage {
  readonly csrf: string
  /** Undefined if the login is currently not valid. */
  readonly accountName: string | undefined
  /** Whether users are kept here. */
  readonly hasLocal: boolean
}

/** Asks whether the user wants to sign out. */
export function logoutPage(site: Site, { csrf, accountName, hasLocal }: LogoutPage): Markup {
  return renderPage(
    site,
    'Sign out?',
    html`${
      accountName === undefined
        ? html`<p>This browser is signed in, but its sign-in is not valid at the moment. Sign out to make sure that it never becomes valid again.</p>`
        : html`<p>You are signed in as <strong>${accountName}</strong>. Programs that you let in keep their access; your account page lists them.</p>`
    }
      <form method="post" action="${site.path(logoutPath)}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <div class="actions"><button class="primary" type="submit">Sign out</button></div>
      </form>
      ${accountName === undefined ? '' : accountNav(site, logoutPath, { hasLocal })}`,
  )
}

/** The page for a user who is not signed in. */
export function signedOutPage(site: Site): Markup {
  return renderPage(
    site,
    'You are signed out',
    html`<p>Nobody is signed in on this browser. <a href="${site.path(personLogin.login)}">Sign in</a></p>`,
  )
}
