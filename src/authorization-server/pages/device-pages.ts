import { html } from 'hono/html'
import type { ScopeCatalogue } from '../../core/scope-catalogue.ts'
import type { Site } from '../../core/site.ts'
import { type Markup, renderPage } from '../../http/page.ts'
import { describedByProblem, formProblem } from './form-problem.ts'
import { renderScopes } from './scope-list.ts'

interface DeviceForm {
  readonly action: string
  readonly xsrf: string
  readonly code: string
}

/** Asks for the code that a device shows. A link may fill it in, but somebody still has to look at it. */
export function deviceCodePage(
  site: Site,
  form: DeviceForm & { readonly problem: string | undefined },
): Markup {
  const { action, xsrf, code, problem } = form
  return renderPage(
    site,
    'Connect a device',
    html`
      <p>Type the code that your device or program shows.</p>
      ${formProblem(problem)}
      <form method="post" action="${action}">
        <input type="hidden" name="xsrf" value="${xsrf}" />
        <label for="user_code">Code</label>
        <input type="text" id="user_code" name="user_code" value="${code}" required maxlength="24" autocomplete="off"
          autocapitalize="characters" spellcheck="false" ${describedByProblem(problem)} />
        <div class="actions"><button class="primary" type="submit">Continue</button></div>
      </form>`,
  )
}

interface DeviceConfirmation extends DeviceForm {
  readonly clientName: string
  readonly resourceName: string
  readonly catalogue: ScopeCatalogue
  readonly scopes: readonly string[]
}

/** Shows what is about to be connected, before anyone logs in for it (RFC 8628 section 5.4). */
export function confirmDevicePage(site: Site, confirmation: DeviceConfirmation): Markup {
  const { action, xsrf, code, clientName, resourceName, catalogue, scopes } = confirmation
  return renderPage(
    site,
    'Is this your device?',
    html`
      <p><strong>${clientName}</strong> asks for access to the server <strong>${resourceName}</strong> and shows this code:</p>
      <p class="host"><strong>${code}</strong></p>
      ${sameCode}
      ${renderScopes(catalogue, scopes)}
      <form method="post" action="${action}">
        <input type="hidden" name="xsrf" value="${xsrf}" />
        <input type="hidden" name="user_code" value="${code}" />
        <div class="actions">
          <button class="primary" type="submit" name="confirm" value="yes">Continue</button>
          <button type="submit" name="abort" value="yes">Cancel</button>
        </div>
      </form>`,
  )
}

/** Somebody who sends such a code to another user wants access with that user's rights. */
const sameCode = html`<p class="note">Continue only if you started this yourself, just now, and your
  device shows the same code. If somebody sent you the code or the link, cancel: going on would give them your access.</p>`

/** The same for the page that decides, which has no code any more. */
export const startedByYourself = html`<p class="note">Approve only if you started this yourself, just now, on a device of
  yours. If somebody sent you a code or a link, deny: approving would give them your access.</p>`

/** Tells the user that the device has access. */
export function deviceDonePage(site: Site, clientName: string): Markup {
  return renderPage(
    site,
    'Connected',
    html`<p><strong>${clientName}</strong> is connected. You can close this page and go back to your device.</p>`,
  )
}

/** Tells the user that the device has no access. */
export function deviceDeniedPage(site: Site): Markup {
  return renderPage(
    site,
    'Not connected',
    html`<p>The device was given no access. You can close this page.</p>`,
  )
}

/** Tells the user that too many wrong codes came from one place. */
export function tooManyCodesPage(site: Site): Markup {
  return renderPage(
    site,
    'Too many wrong codes',
    html`<p>Too many wrong codes came from your network. Wait ten minutes, make your device show a new code, and try
      again.</p>`,
  )
}
