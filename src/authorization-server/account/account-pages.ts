import type { Provider } from 'oidc-provider'
import { displayText } from '../../core/display-text.ts'
import type { Forms } from '../forms.ts'
import { errors } from '../library/library.ts'
import type { Notes } from '../notes.ts'
import { type PageApp, type PageContext, sendMarkup, textOf } from '../page-app.ts'
import { accountPage } from '../pages/account-page.ts'
import { accountPath, revokePath } from '../paths.ts'
import { loginLocation, type SignedIn } from '../session.ts'
import type { AuthorizationServerSettings } from '../settings.ts'
import { grants } from '../tokens/grants.ts'
import { connectedClients } from './connected-clients.ts'

interface AccountPorts {
  readonly provider: Provider
  readonly settings: AuthorizationServerSettings
  readonly forms: Forms
  readonly notes: Notes
  readonly visitor: (context: PageContext) => Promise<SignedIn | undefined>
}

/** Adds the pages on which users see what they have granted, and revoke it. */
export function addAccountPages(
  pages: PageApp,
  { provider, settings, forms, notes, visitor }: AccountPorts,
): void {
  const allGrants = grants(settings)
  const { consents, resources, local, site } = settings

  pages.get(accountPath, async (context) => {
    const person = await visitor(context)
    if (person === undefined) return context.redirect(loginLocation(site, accountPath), 303)
    notes.of(context.env.incoming).subject = person.accountId
    const [standing, remembered] = [
      await allGrants.list(person.accountId),
      await consents.list(person.accountId),
    ]
    const page = accountPage(site, {
      catalogue: settings.scopes,
      accountName: displayText(person.account.displayName),
      action: site.path(revokePath),
      csrf: forms.token(person.session.uid),
      clients: await connectedClients(provider, resources, { standing, remembered }),
      hasLocal: local !== undefined && person.account.provider === undefined,
    })
    return sendMarkup(context, page)
  })

  // A refusal of a form is shown at its address, which may be opened again.
  pages.get(revokePath, (context) => context.redirect(site.path(accountPath), 303))

  pages.post(revokePath, async (context) => {
    const person = await visitor(context)
    if (person === undefined) throw new errors.SessionNotFound('nobody is signed in')
    const form = forms.read(context, person.session.uid)
    const clientId = textOf(form['client_id'])
    if (clientId === '') throw new errors.SessionNotFound('a form without a client')
    Object.assign(notes.of(context.env.incoming), { subject: person.accountId, clientId })
    // In this order, so that a grant that is just being made from remembered consent is either found here or
    // not made.
    await consents.forget(person.accountId, clientId)
    await allGrants.revokeAll(person.accountId, clientId)
    return context.redirect(site.path(accountPath), 303)
  })
}
