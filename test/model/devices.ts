import assert from 'node:assert/strict'
import { isRefused } from './answers.ts'
import type { Step } from './command.ts'
import { lifetimes } from './configuration.ts'
import { noteVisit, touch, visit } from './people.ts'
import { takeFirst } from './redeem.ts'
import { agree, chooseAccess, newGrant, withNeeds } from './sign-in.ts'
import {
  type Device,
  endGrants,
  forgetConsent,
  isKnown,
  isStanding,
  noteUse,
  type Program,
  pairOf,
} from './state.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
const pollMilliseconds = 5000

/** A device shows a code. */
export const startDevice: Step = {
  name: 'start a device',
  async run(model, world, choose) {
    const program = model.programs.find(({ kind }) => kind === 'television') as Program
    const { resource, scopes } = chooseAccess(world, choose)
    const { status, body } = await program.oauth.token(
      { client_id: 'television', resource, scope: scopes.join(' ') },
      { path: '/device_authorization' },
    )
    if (!isKnown(program)) {
      assert.deepEqual([status, body.error], [401, 'invalid_client'])
      return 'blocked'
    }
    assert.equal(status, 200, JSON.stringify(body))
    model.devices.push({
      deviceCode: String(body['device_code']),
      userCode: String(body['user_code']),
      program,
      resource,
      scopes,
      endsAt: Date.now() + lifetimes.deviceCodeSeconds * 1000,
      state: 'waiting',
      askedIn: undefined,
    })
    return scopes.join('+')
  },
}

/** A user enters the code of a device. */
export const enterCode: Step = {
  name: 'enter a code',
  can: ({ devices, people }) => devices.length > 0 && people.some(({ disabled }) => !disabled),
  async run(model, world, choose) {
    const device = choose.once(4) ? choose.of(model.devices) : (model.devices.at(-1) as Device)
    const person = choose.of(model.people.filter(({ disabled }) => !disabled))
    const { program, resource } = device
    const denies = choose.once(5)
    const { habits, browser } = person
    habits.decision = denies ? 'deny' : 'approve'
    habits.fill['user_code'] = device.userCode
    const isOpen = device.state === 'waiting' && Date.now() < device.endsAt && isKnown(program)
    if (!isOpen) {
      await visit(person, `${world.url}/device`, 1).catch((error: unknown) =>
        assert.match(String(error), /too many forms/),
      )
      await touch(person, world)
      return 'refused'
    }
    await visit(person, `${world.url}/device`)
    const access = { person, program, resource, scopes: device.scopes }
    noteVisit(person)
    if (denies) {
      device.state = 'denied'
      forgetConsent(model, person, program)
      model.needs.delete(pairOf(program, person))
      assert.match(browser.lastPage.html, /Not connected/)
      return `${person.name} denies`
    }
    assert.match(browser.lastPage.html, /is connected/)
    const grant = newGrant({ ...access, scopes: withNeeds(model, access) })
    agree(model, grant)
    model.grants.push(grant)
    noteUse(program)
    device.state = { approved: grant }
    return `${person.name} approves`
  },
}

/** A device asks whether somebody has approved. */
export const poll: Step = {
  name: 'poll',
  can: ({ devices }) => devices.length > 0,
  async run(model, _world, choose) {
    const device = choose.once(4) ? choose.of(model.devices) : (model.devices.at(-1) as Device)
    const by = choose.once(10) ? choose.of(model.programs) : device.program
    const answer = await by.oauth.token({
      grant_type: grantType,
      device_code: device.deviceCode,
      client_id: by.oauth.clientId,
      ...by.credential,
    })
    const refuse = (error: string): string => {
      isRefused(answer, error)
      return error
    }
    if (!isKnown(by)) return refuse('invalid_client')
    if (by.kind !== 'television') return refuse('unauthorized_client')
    if (Date.now() >= device.endsAt)
      return refuse(answer.body.error === 'invalid_grant' ? 'invalid_grant' : 'expired_token')
    if (device.state === 'waiting') {
      const slice = Math.floor(Date.now() / pollMilliseconds)
      const isTooEarly = device.askedIn === slice
      device.askedIn = slice
      return refuse(isTooEarly ? 'slow_down' : 'authorization_pending')
    }
    if (device.state === 'denied') {
      device.state = 'used'
      return refuse('access_denied')
    }
    if (device.state === 'used') {
      const given = model.grants.filter((grant) => grant.program === by && grant === device.gave)
      endGrants(model, 'its device code was used twice', (grant) => given.includes(grant))
      return refuse('invalid_grant')
    }
    const { approved: grant } = device.state
    device.state = 'used'
    device.gave = grant
    if (!isStanding(grant)) return refuse('invalid_grant')
    takeFirst(model, answer, { grant })
    return 'given'
  },
}
