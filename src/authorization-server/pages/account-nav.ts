import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import type { Markup } from '../../http/page.ts'
import { accountPath, logoutPath, passkeysPath, passwordPath } from '../paths.ts'

/** The footer of the account pages, with links to the others. `hasLocal` says whether users are kept here. */
export function accountNav(site: Site, here: string, { hasLocal }: { readonly hasLocal: boolean }): Markup {
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
