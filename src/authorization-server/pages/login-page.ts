import { html } from 'hono/html'
import { type Markup, renderPage } from '../../http/page.ts'

interface LoginPage {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  /** What stands in the field. */
  readonly name: string
  readonly problem: string | undefined
}

/** The login of development mode: one field, prefilled, and one button. */
export function developmentLoginPage({ action, csrf, clientName, name, problem }: LoginPage): Markup {
  return renderPage(
    'Sign in',
    html`
      <p><strong>${clientName}</strong> wants to connect. Say who you are.</p>
      ${problem === undefined ? '' : html`<p class="note" id="problem" role="alert">${problem}</p>`}
      <form method="post" action="${action}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <label for="name">Name</label>
        <input type="text" id="name" name="name" value="${name}" required maxlength="64" autocomplete="username"
          autocapitalize="none" spellcheck="false" ${problem === undefined ? '' : html`aria-describedby="problem" aria-invalid="true"`} />
        <div class="actions"><button class="primary" type="submit">Sign in</button></div>
      </form>
      <p class="quiet">Development mode: any name works, there is no password. Use two names to be two users.</p>`,
  )
}

/** What a person sees where nobody can log in. */
export function closedLoginPage(): Markup {
  return renderPage(
    'Nobody can sign in here',
    html`<p>This server has no login for people. Its administrator can turn one on with the setting <code>login.users</code>.</p>`,
  )
}
