import { html } from 'hono/html'
import type { Markup } from '../../http/page.ts'

/** A reason to look twice before approving a client, or before signing in for it. */
export type ConsentWarning =
  | { readonly kind: 'loopback' | 'inside' | 'private-use' | 'punycode' | 'mixed-alphabets' }
  | { readonly kind: 'borrowed-name'; readonly program: string; readonly redirectHost: string }

/** The warning in words. */
export function renderWarning(warning: ConsentWarning): Markup {
  return html`<p class="note">${warning.kind === 'borrowed-name' ? tellBorrowed(warning) : words[warning.kind]}</p>`
}

const words: Readonly<Record<Exclude<ConsentWarning['kind'], 'borrowed-name'>, string>> = {
  loopback:
    'That is a program on this computer. Any program here can use this name: go on only if you have just started the connection yourself.',
  inside:
    'That address is on this computer or on a private network, not on the public internet. Any program there can use this name: go on only if you have just started the connection yourself.',
  'private-use':
    'That opens a program on this device. Any program here can claim this kind of link: go on only if you have just started the connection yourself.',
  punycode:
    'The address has letters of another alphabet, which may look like familiar ones. It is shown here in its encoded form.',
  'mixed-alphabets':
    'The name mixes look-alike letters from several alphabets. It may be imitating another name.',
}

function tellBorrowed({
  program,
  redirectHost,
}: Extract<ConsentWarning, { readonly kind: 'borrowed-name' }>): Markup {
  return html`This looks like <strong>${program}</strong>, but <strong>${redirectHost}</strong> is not one of its
    addresses.`
}
