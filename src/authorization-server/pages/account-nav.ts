import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import type { Markup } from '../../http/page.ts'

/** Where a person signs in. */
export const loginPath = '/login'
/** Where a person signs out. */
export const logoutPath = '/logout'
/** Where a person sees which clients they let in. */
export const accountPath = '/account'
/** Where a person keeps passkeys. */
export const passkeysPath = `${accountPath}/passkeys`
/** Where a person changes their password. */
export const passwordPath = `${accountPath}/password`

/** The foot of the pages of a person: the way to the others. `hasLocal` says whether users are kept here. */
export function accountNav(site: Site, here: string, hasLocal: boolean): Markup {
  const links = [
    { href: accountPath, text: 'Your account' },
    ...(hasLocal
      ? [
          { href: passkeysPath, text: 'Passkeys' },
          { href: passwordPath, text: 'Password' },
        ]
      : []),
    { href: logoutPath, text: 'Sign out' },
  ].filter(({ href }) => href !== here)
  return html`<nav aria-label="Account">${links.map(({ href, text }) => html`<a href="${site.path(href)}">${text}</a> `)}</nav>`
}
