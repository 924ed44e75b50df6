import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { actionOf, csrfOf } from '../support/visitor.ts'
import type { Step } from './command.ts'
import { lifetimes } from './configuration.ts'
import { noteVisit, touch, visit } from './people.ts'
import { agree, chooseAccess, newGrant, userPrograms, withNeeds } from './sign-in.ts'
import {
  type Code,
  forgetConsent,
  isKnown,
  isSignedIn,
  type Model,
  noteUse,
  type OpenPage,
  pairOf,
} from './state.ts'

/** A user comes to the page that asks for a decision, and leaves it open. */
export const openPage: Step = {
  name: 'open a page',
  can: (model) => model.people.some(({ disabled }) => !disabled) && userPrograms(model).some(isKnown),
  async run(model, world, choose) {
    const person = choose.of(model.people.filter(({ disabled }) => !disabled))
    const program = choose.of(userPrograms(model).filter(isKnown))
    const { resource, scopes } = chooseAccess(world, choose)
    const verifier = randomBytes(32).toString('base64url')
    const request = { verifier, resource, scope: scopes.join(' '), extra: { prompt: 'consent' } }
    const stopped = visit(person, program.oauth.authorizationUrl(request), isSignedIn(person) ? 0 : 1)
    await assert.rejects(stopped, /too many forms/)
    const { html } = person.browser.lastPage
    assert.match(html, /value="deny"/)
    noteVisit(person)
    const access = { person, program, resource, scopes }
    model.pages.push({
      ...access,
      scopes: withNeeds(model, access),
      verifier,
      action: world.url + actionOf(html),
      csrf: csrfOf(html),
      session: person.session,
      endsAt: Date.now() + lifetimes.pageSeconds * 1000,
      decided: false,
    })
    return `${person.name} for ${program.name}`
  },
}

/** Sends the decision. Resolves to where the browser is sent. */
export async function sendDecision(
  { person, action, csrf }: OpenPage,
  decision: string,
): Promise<URL | undefined> {
  const { status, headers } = await person.browser.open(action, { csrf, decision })
  const location = headers.get('location')
  if (location === null) {
    assert.ok(status >= 400, `${status}`)
    return undefined
  }
  return visit(person, new URL(location, action).href, 0)
}

/** The code of a page that was approved. */
export function takeCode(model: Model, page: OpenPage, callback: URL): Code {
  const { person, program, resource, scopes, verifier } = page
  const text = callback.searchParams.get('code')
  assert.ok(text !== null, callback.href)
  const grant = newGrant({ person, program, resource, scopes })
  model.grants.push(grant)
  noteUse(program)
  const code = { code: text, verifier, grant, used: false, endsAt: Date.now() + lifetimes.codeSeconds * 1000 }
  model.codes.push(code)
  return code
}

/** Whether a decision on a page still counts. */
export function isOpen({ decided, endsAt, program, person, session }: OpenPage): boolean {
  return (
    !decided && Date.now() < endsAt && isKnown(program) && isSignedIn(person) && person.session === session
  )
}

/** Clocks may differ, so a page that has just expired may still be taken. */
const doubtMilliseconds = 20_000

const judged = ({ pages }: Model): OpenPage[] =>
  pages.filter(({ endsAt }) => Date.now() < endsAt || Date.now() > endsAt + doubtMilliseconds)

/** The user comes back to the page. */
export const decide: Step = {
  name: 'decide',
  can: (model) => judged(model).length > 0,
  async run(model, world, choose) {
    const open = model.pages.filter(isOpen)
    const page = choose.of(open.length === 0 || choose.once(3) ? judged(model) : open)
    const { person, program } = page
    const wasOpen = isOpen(page)
    // To deny is never too late: it gives nothing.
    const denies = wasOpen && choose.once(4)
    const callback = await sendDecision(page, denies ? 'deny' : 'approve').catch((error: unknown) => {
      // Somebody who is no longer signed in is asked to sign in again.
      assert.match(String(error), /too many forms/)
      return undefined
    })
    if (!wasOpen) {
      assert.equal(callback, undefined, 'a page that is over leads nowhere')
      await touch(person, world)
      return 'too late'
    }
    page.decided = true
    noteVisit(person)
    if (denies) {
      assert.equal(callback?.searchParams.get('error'), 'access_denied')
      forgetConsent(model, person, program)
      model.needs.delete(pairOf(program, person))
      return `${person.name} denies ${program.name}`
    }
    assert.ok(callback !== undefined, person.browser.lastPage.html)
    agree(model, takeCode(model, page, callback).grant)
    return `${person.name} approves ${program.name}`
  },
}
