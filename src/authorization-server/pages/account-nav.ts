import { html } from 'hono/html'
import type { Markup } from '../../http/page.ts'

/** Where a person sees which clients they let in. */
export const accountPath = '/account'
/** Where a person keeps passkeys. */
export const passkeysPath = `${accountPath}/passkeys`
/** Where a person changes their password. */
export const passwordPath = `${accountPath}/password`

/** The foot of the pages of a person: the way to the others. `hasLocal` says whether users are kept here. */
export function accountNav(here: string, hasLocal: boolean): Markup {
  const links = [
    { href: accountPath, text: 'Your account' },
    ...(hasLocal
      ? [
          { href: passkeysPath, text: 'Passkeys' },
          { href: passwordPath, text: 'Password' },
        ]
      : []),
    { href: '/logout', text: 'Sign out' },
  ].filter(({ href }) => href !== here)
  return html`<nav aria-label="Account">${links.map(({ href, text }) => html`<a href="${href}">${text}</a> `)}</nav>`
}
