import assert from 'node:assert/strict'
import { FormBrowser } from '../support/form-browser.ts'
import { goodPassword } from '../support/people.ts'
import type { Step } from './command.ts'
import { endGrants, forgetConsent, isSignedIn, type Model, type Person } from './state.ts'
import type { World } from './world.ts'

/** Those of a device: its code, that it is the user's, a login and a decision. */
const mostForms = 4

/** Adds a user. */
export async function addPerson(model: Model, world: World, name: string): Promise<void> {
  const { id } = await world.people.add({ name, password: goodPassword })
  const habits: Person['habits'] = { fill: { name, password: goodPassword }, decision: 'approve', forms: 0 }
  const browser = new FormBrowser(
    Object.assign(habits, {
      send: world.send,
      beforeSubmit: async () => {
        if (++habits.forms > mostForms) throw new Error('too many forms')
      },
    }),
  )
  model.people.push({
    id,
    name,
    password: goodPassword,
    disabled: false,
    failures: 0,
    browser,
    habits,
    session: undefined,
  })
}

/** Lets a user follow a URL to the end, with at most so many forms. */
export function visit({ browser, habits }: Person, url: string, forms = mostForms): Promise<URL | undefined> {
  habits.forms = mostForms - forms
  return browser.visit(url)
}

/** The user has used the browser. */
export function noteVisit(person: Person): void {
  const now = Date.now()
  if (isSignedIn(person)) Object.assign(person.session as object, { usedAt: now })
  else {
    person.session = { loginAt: now, usedAt: now }
    person.failures = 0
  }
}

/** Lets a login count as used, where it may or may not have been. */
export async function touch(person: Person, world: World): Promise<void> {
  await person.browser.open(`${world.url}/device`)
  if (isSignedIn(person)) noteVisit(person)
}

/** Everything that a user has in progress ends. */
function endAccess(model: Model, person: Person, reason: string): void {
  endGrants(model, reason, (grant) => grant.person === person)
  forgetConsent(model, person)
  person.session = undefined
}

/** An operator disables a user. */
export const disable: Step = {
  name: 'disable',
  can: ({ people }) => people.some(({ disabled }) => !disabled),
  async run(model, world, choose) {
    const person = choose.of(model.people.filter(({ disabled }) => !disabled))
    await world.operate('users/disable', person.id)
    person.disabled = true
    endAccess(model, person, 'its user was disabled')
    return person.name
  },
}

/** An operator enables a user again. */
export const enable: Step = {
  name: 'enable',
  can: ({ people }) => people.some(({ disabled }) => disabled),
  async run(model, world, choose) {
    const person = choose.of(model.people.filter(({ disabled }) => disabled))
    await world.operate('users/enable', person.id)
    person.disabled = false
    endAccess(model, person, 'its user was enabled')
    return person.name
  },
}

/** A user signs out, which ends nothing else. */
export const signOut: Step = {
  name: 'sign out',
  can: ({ people }) => people.some(({ session }) => session !== undefined),
  async run(model, world, choose) {
    const person = choose.of(model.people.filter(({ session }) => session !== undefined))
    await visit(person, `${world.url}/logout`, 1)
    assert.match(person.browser.lastPage.html, /You are signed out/)
    person.session = undefined
    return person.name
  },
}

/** A user changes the password, and may end everything with it. */
export const changePassword: Step = {
  name: 'change the password',
  can: ({ people }) => people.some(isSignedIn),
  async run(model, world, choose) {
    const person = choose.of(model.people.filter(isSignedIn))
    const endsAll = choose.once(2)
    const password = `${goodPassword} ${choose.below(1000)}`
    const url = `${world.url}/account/password`
    const { html } = await person.browser.open(url)
    const csrf = /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? ''
    const fields = { csrf, current: person.password, password, repeated: password }
    const { status } = await person.browser.open(url, endsAll ? { ...fields, ends: 'all' } : fields)
    assert.equal(status, 303)
    person.password = password
    person.habits.fill['password'] = password
    if (endsAll) endAccess(model, person, 'its user changed the password')
    const now = Date.now()
    person.session = { loginAt: now, usedAt: now }
    return `${person.name}${endsAll ? ', and ends everything' : ''}`
  },
}
