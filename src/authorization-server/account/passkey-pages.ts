import type { Clock } from '../../core/clock.ts'
import { displayText } from '../../core/display-text.ts'
import type { Site } from '../../core/site.ts'
import type { Passkeys } from '../../identity/passkey-contract.ts'
import type { Form, Forms } from '../forms.ts'
import type { Notes } from '../notes.ts'
import { type PageApp, type PageContext, sendMarkup, textOf } from '../page-app.ts'
import { passkeysPage } from '../pages/passkeys-page.ts'
import { addPasskeyPath, passkeysPath, removePasskeyPath } from '../paths.ts'
import { isRecent, loginLocation, type SignedIn } from '../session.ts'

interface PasskeyPorts {
  readonly site: Site
  readonly passkeys: Passkeys
  readonly forms: Forms
  readonly notes: Notes
  readonly visitor: (context: PageContext) => Promise<SignedIn | undefined>
  readonly clock: Clock
}

/** The page on which a person keeps passkeys. */
export function addPasskeyPages(
  pages: PageApp,
  { site, passkeys, forms, notes, visitor, clock }: PasskeyPorts,
): void {
  const show = async (context: PageContext, who: SignedIn, problem?: string): Promise<Response> => {
    const { account, session } = who
    const mayAdd = passkeys.unavailable === undefined && isRecent(who, clock)
    const page = passkeysPage(site, {
      csrf: forms.token(session.uid),
      accountName: displayText(account.displayName),
      passkeys: await passkeys.list(account.id),
      unavailable: passkeys.unavailable,
      options: mayAdd ? await passkeys.startRegistration(account, session.uid) : undefined,
      loginAgain: `${loginLocation(site, passkeysPath)}&again`,
      problem,
    })
    return sendMarkup(context, page, problem === undefined ? 200 : 422)
  }

  /** For users who are signed in; all others are sent to the login. */
  const act = async (
    context: PageContext,
    action: (who: SignedIn, form: Form) => Promise<string | undefined>,
  ): Promise<Response> => {
    const who = await visitor(context)
    if (who === undefined) return context.redirect(loginLocation(site, passkeysPath), 303)
    const form = forms.read(context, who.session.uid)
    const note = notes.of(context.env.incoming)
    note.subject = who.accountId
    const problem = await action(who, form)
    if (problem === undefined) return context.redirect(site.path(passkeysPath), 303)
    Object.assign(note, { error: 'passkey_refused', reason: problem })
    return show(context, who, problem)
  }

  pages.get(passkeysPath, async (context) => {
    const who = await visitor(context)
    return who === undefined ? context.redirect(loginLocation(site, passkeysPath), 303) : show(context, who)
  })

  // A refusal of a form is shown at its address, which may be opened again.
  for (const path of [addPasskeyPath, removePasskeyPath])
    pages.get(path, (context) => context.redirect(site.path(passkeysPath), 303))

  pages.post(addPasskeyPath, (context) =>
    act(context, async (who, form) => {
      if (!isRecent(who, clock)) return 'Sign in again before you add a passkey.'
      const answer = { credential: textOf(form['credential']), holder: who.session.uid }
      return passkeys.finishRegistration(who.account, displayText(textOf(form['name'])), answer)
    }),
  )

  pages.post(removePasskeyPath, (context) =>
    act(context, async ({ accountId }, form) => {
      await passkeys.remove(accountId, textOf(form['id']))
      return undefined
    }),
  )
}
