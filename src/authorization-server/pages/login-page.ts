import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import { type Markup, passkeyScriptTag, renderPage } from '../../http/page.ts'
import { describedByProblem, formProblem } from './form-problem.ts'

interface LoginPage {
  readonly action: string
  readonly csrf: string
  /** Absent if no client is waiting. */
  readonly clientName?: string | undefined
  /** The value of the field. */
  readonly name: string
  readonly problem: string | undefined
  /** The links to identity providers, if there are any. */
  readonly elsewhere?: Markup | undefined
}

/** The login of development mode: one prefilled field and one button. */
export function developmentLoginPage(
  site: Site,
  { action, csrf, clientName, name, problem, elsewhere }: LoginPage,
): Markup {
  return renderPage(
    site,
    'Sign in',
    html`
      ${introduce(clientName, 'Say who you are.')}
      ${formProblem(problem)}
      <form method="post" action="${action}">
        ${nameField({ csrf, name, problem })}
        <div class="actions"><button class="primary" type="submit">Sign in</button></div>
      </form>
      <p class="quiet">Development mode: any name works, and there is no password. Use two names to be two users.</p>
      ${elsewhere ?? ''}`,
  )
}

interface LocalLoginPage extends LoginPage {
  readonly passkeyAction: string
  /** Options for `navigator.credentials.get`, as JSON; absent if passkeys do not work. */
  readonly passkeyOptions: string | undefined
}

/** The login of users who are kept here: name and password, or a passkey if the browser supports it. */
export function localLoginPage(
  site: Site,
  { action, csrf, clientName, name, problem, elsewhere, ...passkey }: LocalLoginPage,
): Markup {
  return renderPage(
    site,
    'Sign in',
    html`
      ${introduce(clientName, 'Sign in to go on.')}
      ${formProblem(problem)}
      <form method="post" action="${action}">
        ${nameField({ csrf, name, problem })}
        <label for="password">Password</label>
        <input type="password" id="password" name="password" required maxlength="1024"
          autocomplete="current-password" ${describedByProblem(problem)} />
        <div class="actions"><button class="primary" type="submit">Sign in</button></div>
      </form>
      ${passkey.passkeyOptions === undefined ? '' : passkeyForm(site, { csrf, ...passkey })}
      ${elsewhere ?? ''}`,
  )
}

/** The login if users are known only to identity providers. */
export function providerLoginPage(site: Site, { clientName, problem, elsewhere }: LoginPage): Markup {
  return renderPage(
    site,
    'Sign in',
    html`
      ${introduce(clientName, 'Sign in to go on.')}
      ${formProblem(problem)}
      ${elsewhere ?? ''}`,
  )
}

function passkeyForm(
  site: Site,
  { passkeyAction, csrf, passkeyOptions }: Pick<LocalLoginPage, 'passkeyAction' | 'csrf' | 'passkeyOptions'>,
): Markup {
  return html`<form method="post" action="${passkeyAction}" data-passkey="get" data-options="${passkeyOptions}" hidden>
      <input type="hidden" name="csrf" value="${csrf}" />
      <input type="hidden" name="credential" value="" />
      <p class="note" role="alert" hidden></p>
      <div class="actions"><button type="submit">Sign in with a passkey</button></div>
      ${passkeyScriptTag(site)}
    </form>`
}

/** The page if nobody can log in. */
export function closedLoginPage(site: Site): Markup {
  return renderPage(
    site,
    'Nobody can sign in here',
    html`<p>People cannot sign in to this server. Its administrator can change that with the setting <code>login.users</code>.</p>`,
  )
}

/** The beginning of each form with a name: its token and the field. */
function nameField({ csrf, name, problem }: Pick<LoginPage, 'csrf' | 'name' | 'problem'>): Markup {
  return html`<input type="hidden" name="csrf" value="${csrf}" />
        <label for="name">Name</label>
        <input type="text" id="name" name="name" value="${name}" required maxlength="64" autocomplete="username"
          autocapitalize="none" spellcheck="false" ${describedByProblem(problem)} />`
}

function introduce(clientName: string | undefined, what: string): Markup {
  return clientName === undefined
    ? html`<p>${what}</p>`
    : html`<p><strong>${clientName}</strong> wants to connect. ${what}</p>`
}
