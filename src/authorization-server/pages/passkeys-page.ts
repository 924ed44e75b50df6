import { html } from 'hono/html'
import type { Site } from '../../core/site.ts'
import { type Markup, passkeyScriptTag, renderPage } from '../../http/page.ts'
import type { OwnPasskey } from '../../identity/passkey-contract.ts'
import { addPasskeyPath, passkeysPath, removePasskeyPath } from '../paths.ts'
import { accountNav } from './account-nav.ts'
import { confirmedForm } from './confirmed-form.ts'

interface PasskeysPage {
  readonly csrf: string
  readonly accountName: string
  readonly passkeys: readonly OwnPasskey[]
  /** Why there can be none, in words for the user. */
  readonly unavailable: string | undefined
  /** Options for `navigator.credentials.create`, as JSON; absent if the login is too long ago. */
  readonly options: string | undefined
  readonly loginAgain: string
  readonly problem: string | undefined
}

/** The passkeys of a user: the existing ones, and a way to add one. */
export function passkeysPage(site: Site, page: PasskeysPage): Markup {
  const { accountName, passkeys, csrf, problem } = page
  return renderPage(
    site,
    'Your passkeys',
    html`
      <p>You are signed in as <strong>${accountName}</strong>. With a passkey you sign in without your password: you unlock
        your device or use a security key.</p>
      ${problem === undefined ? '' : html`<p class="note" role="alert">${problem}</p>`}
      ${passkeys.length === 0 ? html`<p>You have no passkeys yet.</p>` : ''}
      <ul class="rows">${passkeys.map((passkey) => passkeyRow(site, passkey, csrf))}</ul>
      ${addition(site, page)}
      ${accountNav(site, passkeysPath, { hasLocal: true })}`,
  )
}

function passkeyRow(site: Site, { id, name, createdAt, usedAt }: OwnPasskey, csrf: string): Markup {
  const used = usedAt === undefined ? 'not used yet' : `last used ${day(usedAt)}`
  return html`<li>
      <span>${name} <span class="quiet">added ${day(createdAt)}, ${used}</span></span>
      ${confirmedForm({
        action: site.path(removePasskeyPath),
        fields: { csrf, id },
        verb: 'Remove',
        object: name,
        consequence: 'You will no longer be able to sign in with it.',
      })}
    </li>`
}

function addition(site: Site, { csrf, unavailable, options, loginAgain }: PasskeysPage): Markup {
  if (unavailable !== undefined) return html`<p class="note">${unavailable}</p>`
  if (options === undefined) return html`<p><a href="${loginAgain}">Sign in again</a> to add a passkey.</p>`
  return html`<form method="post" action="${site.path(addPasskeyPath)}" data-passkey="create" data-options="${options}" hidden>
      <input type="hidden" name="csrf" value="${csrf}" />
      <input type="hidden" name="credential" value="" />
      <label for="name">Passkey name</label>
      <input type="text" id="name" name="name" value="Passkey" required maxlength="64" autocomplete="off" />
      <p class="note" role="alert" hidden></p>
      <div class="actions"><button class="primary" type="submit">Add a passkey</button></div>
    </form>
    <p class="note" data-without-passkeys>To add a passkey, you need a browser that supports passkeys and has JavaScript turned on.</p>
    ${passkeyScriptTag(site)}`
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
