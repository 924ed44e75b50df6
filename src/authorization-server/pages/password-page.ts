import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { passwordPath } from '../paths.ts'
import { accountNav } from './account-nav.ts'
import { formProblem } from './form-problem.ts'
import { passwordRule } from './set-up-page.ts'

interface PasswordPage {
  readonly action: string
  readonly csrf: string
  readonly accountName: string
  /** What the user signs in with. */
  readonly name: string | undefined
  /** False just after a login. */
  readonly asksCurrent: boolean
  /** Whether the access of programs is to end, too. */
  readonly endsAll: boolean
  readonly problem: string | undefined
}

/** Where users change their password. */
export function passwordPage(
  site: Site,
  { action, csrf, accountName, name, asksCurrent, endsAll, problem }: PasswordPage,
): Markup {
  return renderPage(
    site,
    'Change your password',
    html`
      <p>You are signed in as <strong>${accountName}</strong>. A new password signs you out in every other browser.</p>
      ${formProblem(problem)}
      <form method="post" action="${action}">
        <input type="hidden" name="csrf" value="${csrf}" />
        ${name === undefined ? '' : nameField(name)}
        ${asksCurrent ? currentField : ''}
        <label for="password">New password</label>
        <input type="password" id="password" name="password" required minlength="12" maxlength="1024"
          autocomplete="new-password" aria-describedby="rules${problem === undefined ? '' : ' problem'}" />
        ${passwordRule}
        <label for="repeated">Repeat the new password</label>
        <input type="password" id="repeated" name="repeated" required maxlength="1024" autocomplete="new-password" />
        <label class="choice"><input type="checkbox" name="ends" value="all" ${endsAll ? 'checked' : ''} aria-describedby="ends" />
          Also revoke the access of all programs and remove my passkeys</label>
        <p class="quiet" id="ends">Leave this ticked if somebody else may know the old password: they may have let a program
          in or added a passkey. If you untick it, programs and passkeys stay as they are.</p>
        <div class="actions"><button class="primary" type="submit">Change password</button></div>
      </form>
      ${accountNav(site, passwordPath, { hasLocal: true })}`,
  )
}

/** Tells a password manager whose password it is, since one may hold several for this site. */
const nameField = (name: string): Markup => html`<label for="name">Name</label>
  <input type="text" id="name" value="${name}" autocomplete="username" readonly />`

const currentField = html`<label for="current">Current password</label>
  <input type="password" id="current" name="current" required maxlength="1024" autocomplete="current-password" />`
