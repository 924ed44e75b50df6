import type { Clock } from '../../core/clock.ts'
import type { Site } from '../../core/site.ts'
import type { SetUp } from '../../identity/set-up-contract.ts'
import type { Forms } from '../forms.ts'
import type { Notes } from '../notes.ts'
import { type PageApp, type PageContext, sendAdvice, sendMarkup, textOf } from '../page-app.ts'
import { setUpPage } from '../pages/set-up-page.ts'
import { passkeysPath, setUpPath } from '../paths.ts'
import { type Login, loginOf } from '../session.ts'

interface SetUpPorts {
  readonly site: Site
  readonly setUp: SetUp
  readonly forms: Forms
  readonly notes: Notes
  /** Begins a session and redirects to a local path. */
  readonly enter: (context: PageContext, login: Login, to: string) => Promise<Response>
  readonly clock: Clock
}

/** The page of a set-up link. Looking at it uses nothing up, so that link previews do no harm. */
export function addSetUpPages(pages: PageApp, { site, setUp, forms, notes, enter, clock }: SetUpPorts): void {
  const load = async (context: PageContext) => {
    const token = context.req.param('token') ?? ''
    const invited = await setUp.invited(token)
    if (invited === undefined) return undefined
    const holder = forms.browser(context)
    const whom = invited === 'first' ? undefined : invited
    return {
      token,
      holder,
      place: { action: site.path(setUpPath(token)), csrf: forms.token(holder), invited: whom },
    }
  }

  const refuse = (context: PageContext): Promise<Response> => {
    notes.of(context.env.incoming).error = 'link_over'
    return sendAdvice(context, site, { kind: 'link_over', status: 400 })
  }

  pages.get(setUpPath(':token'), async (context) => {
    const here = await load(context)
    if (here === undefined) return refuse(context)
    return sendMarkup(context, setUpPage(site, { ...here.place, name: '', problem: undefined }))
  })

  pages.post(setUpPath(':token'), async (context) => {
    const here = await load(context)
    if (here === undefined) return refuse(context)
    const { token, holder, place } = here
    const form = forms.read(context, holder)
    const [name, password] = [textOf(form['name']), textOf(form['password'])]
    const note = notes.of(context.env.incoming)
    const begunAt = clock.now()
    const repeated = password === textOf(form['repeated'])
    const account = repeated
      ? await setUp.accept(token, { name: place.invited?.name ?? name, password })
      : { refused: 'The two passwords are not the same.' }
    if (account === undefined) return refuse(context)
    if ('refused' in account) {
      note.error = 'set_up_refused'
      note.reason = account.refused
      return sendMarkup(context, setUpPage(site, { ...place, name, problem: account.refused }), 422)
    }
    note.subject = account.id
    return enter(context, loginOf(account, begunAt), passkeysPath)
  })
}
