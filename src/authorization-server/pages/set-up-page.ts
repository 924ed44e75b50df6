import { html } from 'hono/html'
import { type Markup, renderPage } from '../../http/page.ts'

interface SetUpPage {
  readonly action: string
  readonly csrf: string
  /** The name of an invited user; the empty text for the first user, who chooses one. */
  readonly invitedName: string
  readonly name: string
  readonly problem: string | undefined
}

/** Where somebody who came with a link chooses a password. */
export function setUpPage({ action, csrf, invitedName, name, problem }: SetUpPage): Markup {
  const described = html`aria-describedby="rules${problem === undefined ? '' : ' problem'}"`
  return renderPage(
    invitedName === '' ? 'Make the first user' : `Welcome, ${invitedName}`,
    html`
      ${problem === undefined ? '' : html`<p class="note" id="problem" role="alert">${problem}</p>`}
      <form method="post" action="${action}">
        <input type="hidden" name="csrf" value="${csrf}" />
        <label for="name">Name</label>
        <input type="text" id="name" name="name" value="${invitedName || name}" required maxlength="64"
          autocomplete="username" autocapitalize="none" spellcheck="false" ${invitedName === '' ? '' : 'readonly'} />
        <label for="password">Password</label>
        <input type="password" id="password" name="password" required minlength="12" maxlength="1024"
          autocomplete="new-password" ${described} />
        <label for="repeated">Password once more</label>
        <input type="password" id="repeated" name="repeated" required maxlength="1024" autocomplete="new-password" />
        <p class="quiet" id="rules">At least 12 characters. Four words that have nothing to do with each other are good.</p>
        <div class="actions"><button class="primary" type="submit">Go on</button></div>
      </form>`,
  )
}
