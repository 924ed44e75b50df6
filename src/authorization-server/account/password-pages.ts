import type { Clock } from '../../core/clock.ts'
import { displayText } from '../../core/display-text.ts'
import type { Site } from '../../core/site.ts'
import type { OwnPassword } from '../../identity/own-password-contract.ts'
import { addressOf } from '../caller-address.ts'
import type { Forms } from '../forms.ts'
import type { KnownBrowsers } from '../login/known-browser.ts'
import type { Notes } from '../notes.ts'
import { type PageApp, type PageContext, sendMarkup, textOf, visitOf } from '../page-app.ts'
import { passwordPage } from '../pages/password-page.ts'
import { accountPath, passwordPath } from '../paths.ts'
import { isRecent, type Login, loginLocation, loginOf, type SignedIn } from '../session.ts'

interface PasswordPorts {
  readonly site: Site
  readonly passwords: OwnPassword
  readonly browsers: KnownBrowsers
  readonly forms: Forms
  readonly notes: Notes
  readonly visitor: (context: PageContext) => Promise<SignedIn | undefined>
  /** Begins a session and redirects to a local path. */
  readonly enter: (context: PageContext, login: Login, to: string) => Promise<Response>
  readonly clock: Clock
}

/** The page on which users change their password: with the current one, or just after a login. */
export function addPasswordPages(
  pages: PageApp,
  { site, passwords, browsers, forms, notes, visitor, enter, clock }: PasswordPorts,
): void {
  const pageFor = async (who: SignedIn, endsAll: boolean, problem?: string) =>
    passwordPage(site, {
      action: site.path(passwordPath),
      csrf: forms.token(who.session.uid),
      accountName: displayText(who.account.displayName),
      name: await passwords.nameOf(who.account),
      asksCurrent: !isRecent(who, clock),
      endsAll,
      problem,
    })

  pages.get(passwordPath, async (context) => {
    const who = await visitor(context)
    return who === undefined
      ? context.redirect(loginLocation(site, passwordPath), 303)
      : sendMarkup(context, await pageFor(who, true))
  })

  pages.post(passwordPath, async (context) => {
    const who = await visitor(context)
    if (who === undefined) return context.redirect(loginLocation(site, passwordPath), 303)
    const form = forms.read(context, who.session.uid)
    const note = notes.of(context.env.incoming)
    note.subject = who.accountId
    const visit = visitOf(context)
    const password = textOf(form['password'])
    const endsAll = form['ends'] === 'all'
    const begunAt = clock.now()
    const answer =
      password === textOf(form['repeated'])
        ? await passwords.change(who.account, {
            current: isRecent(who, clock) ? undefined : textOf(form['current']),
            password,
            endsAll,
            address: addressOf(context.env.incoming),
            known: browsers.read(visit),
          })
        : { refused: 'The two new passwords are not the same.' }
    if (!('refused' in answer)) {
      browsers.remember(visit, answer)
      return enter(context, loginOf(answer, begunAt), accountPath)
    }
    const { refused, reason = refused, retryAfterSeconds: wait } = answer
    Object.assign(note, { error: 'password_refused', reason })
    if (wait !== undefined) context.header('Retry-After', String(wait))
    return sendMarkup(context, await pageFor(who, endsAll, refused), wait === undefined ? 422 : 429)
  })
}
