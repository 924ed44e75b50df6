import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { formProblem } from './form-problem.ts'

interface SetUpPage {
  readonly action: string
  readonly csrf: string
  /** The invited user; undefined for the first user, who chooses a name. */
  readonly invited: { readonly name: string; readonly displayName: string } | undefined
  readonly name: string
  readonly problem: string | undefined
}

/** Where somebody who came with a link chooses a password. */
export function setUpPage(site: Site, { action, csrf, invited, name, problem }: SetUpPage): Markup {
  const described = (hint: string) => `${hint}${problem === undefined ? '' : ' problem'}`
  return renderPage(
    site,
    invited === undefined ? 'Create the first user' : `Welcome, ${invited.displayName}`,
    html`
      <p>${invited === undefined ? firstUser : invitedUser}</p>
      ${formProblem(problem)}
      <form method="post" action="${action}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <label for="name">Name</label>
        <input type="text" id="name" name="name" value="${invited?.name ?? name}" required maxlength="64"
          autocomplete="username" autocapitalize="none" spellcheck="false" ${
            invited === undefined ? html`aria-describedby="${described('name-rule')}"` : 'readonly'
          } />
        ${invited === undefined ? html`<p class="quiet" id="name-rule">Letters, digits and . _ @ + - without spaces.</p>` : ''}
        <label for="password">Password</label>
        <input type="password" id="password" name="password" required minlength="12" maxlength="1024"
          autocomplete="new-password" aria-describedby="${described('rules')}" />
        ${passwordRule}
        <label for="repeated">Repeat the password</label>
        <input type="password" id="repeated" name="repeated" required maxlength="1024" autocomplete="new-password" />
        <div class="actions"><button class="primary" type="submit">${
          invited === undefined ? 'Create the user' : 'Set the password'
        }</button></div>
      </form>`,
  )
}

const firstUser =
  'Portcullis is the gate in front of the MCP servers here. Nobody can sign in yet: choose the name and password that you will use to sign in and let programs use them.'
const invitedUser =
  'You were invited to the MCP servers here. Choose the password that you will use to sign in and let programs use them.'

/** What a new password must be, for its field to be described by. */
export const passwordRule = html`<p class="quiet" id="rules">At least 12 characters. Four unrelated words work
  well.</p>`
