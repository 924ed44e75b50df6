import type { HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Clock } from '../core/clock.ts'
import type { SetUp } from '../identity/contract.ts'
import type { Forms } from './forms.ts'
import { errors } from './library.ts'
import type { Notes } from './notes.ts'
import { type PageContext, sendMarkup, textOf } from './page-app.ts'
import { setUpPage } from './pages/set-up-page.ts'
import { type Login, loginOf } from './session.ts'

interface SetUpPorts {
  readonly setUp: SetUp
  readonly forms: Forms
  readonly notes: Notes
  /** Begins a session and leads on. */
  readonly enter: (context: PageContext, login: Login, to: string) => Promise<Response>
  readonly clock: Clock
}

/** The page of a set-up link. Looking at it uses nothing up, so that previews of links do no harm. */
export function addSetUpPages(
  pages: Hono<{ Bindings: HttpBindings }>,
  { setUp, forms, notes, enter, clock }: SetUpPorts,
): void {
  const load = async (context: PageContext) => {
    const token = context.req.param('token') ?? ''
    const invitedName = await setUp.invitedName(token)
    if (invitedName === undefined) throw new errors.SessionNotFound('this link is over')
    const holder = forms.browser(context)
    return {
      token,
      invitedName,
      holder,
      place: { action: `/setup/${token}`, csrf: forms.token(holder), invitedName },
    }
  }

  pages.get('/setup/:token', async (context) => {
    const { place } = await load(context)
    return sendMarkup(context, setUpPage({ ...place, name: '', problem: undefined }))
  })

  pages.post('/setup/:token', async (context) => {
    const { token, invitedName, holder, place } = await load(context)
    const form = await forms.read(context, holder)
    const [name, password] = [textOf(form['name']), textOf(form['password'])]
    const note = notes.of(context.env.incoming)
    const begunAt = clock.now()
    const repeated = password === textOf(form['repeated'])
    const account = repeated
      ? await setUp.accept(token, { name: invitedName || name, password })
      : { refused: 'The two passwords are not the same.' }
    if (account === undefined) throw new errors.SessionNotFound('this link is over')
    if ('refused' in account) {
      note.error = 'set_up_refused'
      note.reason = account.refused
      return sendMarkup(context, setUpPage({ ...place, name, problem: account.refused }), 422)
    }
    note.subject = account.id
    return enter(context, loginOf(account, begunAt), '/account/passkeys')
  })
}
