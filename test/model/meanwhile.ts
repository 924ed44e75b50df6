import assert from 'node:assert/strict'
import { isRefused } from './answers.ts'
import { both, current, takeLate } from './at-once.ts'
import type { Choices } from './choices.ts'
import type { Step } from './command.ts'
import { chooseExchange, sendExchange, takeExchanged } from './machines.ts'
import { isOpen, sendDecision, takeCode } from './pages.ts'
import { disable, touch } from './people.ts'
import { block, isRegistered, remove } from './programs.ts'
import { openCodes, sendCode } from './redeem.ts'
import { liveGrants, sendRefresh } from './refresh.ts'
import { post, revokeProgram } from './revoke.ts'
import { endGrants, type Grant, isGood, isKnown, isSignedIn, type Model } from './state.ts'
import type { World } from './world.ts'

/** What ends something of a user and a program. */
interface End<Of extends Pick<Grant, 'person' | 'program'>> {
  readonly name: string
  readonly can: (of: Of) => boolean
  readonly run: (model: Model, world: World, of: Of) => Promise<unknown>
}

/** A choice in which each thing is the one that is wanted. */
function wanted(...things: readonly unknown[]): Choices {
  return {
    of: (list) => list.find((one) => things.includes(one)) ?? (list[0] as (typeof list)[number]),
    recent(list) {
      return this.of(list)
    },
    below: () => 0,
    once: () => false,
  }
}

const ends: readonly End<Pick<Grant, 'person' | 'program'>>[] = [
  {
    name: 'its user is disabled',
    can: ({ person }) => !person.disabled,
    run: (model, world, { person }) => disable.run(model, world, wanted(person)),
  },
  {
    name: 'its program is blocked',
    can: ({ program }) => !program.blocked,
    run: (model, world, { program }) => block.run(model, world, wanted(program)),
  },
  {
    name: 'its program is removed',
    can: ({ program }) => isRegistered(program) && !program.removed,
    run: (model, world, { program }) => remove.run(model, world, wanted(program)),
  },
]

const endsOfGrants: readonly End<Grant>[] = [
  {
    name: 'its user revokes it',
    can: ({ person }) => isSignedIn(person),
    run: (model, world, grant) => revokeProgram.run(model, world, wanted(grant)),
  },
  {
    name: 'its program gives it back',
    can: ({ refreshTokens }) => refreshTokens.length > 0,
    async run(model, _world, grant) {
      assert.equal(await post(grant.program, grant.refreshTokens.at(-1) as string), 200)
      endGrants(model, 'given back', (one) => one === grant)
    },
  },
]

/** A grant ends while something comes of it. */
export const endMeanwhile: Step = {
  name: 'end meanwhile',
  can: (model) => liveGrants(model).length + openCodes(model).length > 0,
  async run(model, world, choose) {
    const code = choose.recent([...liveGrants(model), ...openCodes(model)])
    const grant = 'grant' in code ? code.grant : code
    const end = choose.of([...ends, ...endsOfGrants].filter(({ can }) => can(grant)))
    const token = model.tokens.find((one) => one.grant === grant && isGood(model, one))
    const exchange =
      token !== undefined && choose.once(3)
        ? { ...chooseExchange(model, world, choose), subject: token }
        : undefined
    if (exchange !== undefined && isKnown(exchange.by)) {
      const asked = { ...exchange, resource: undefined, scopes: undefined }
      const [answer] = await both(
        choose,
        () => sendExchange(asked),
        () => end.run(model, world, grant),
      )
      if (answer.status === 200) takeExchanged(model, answer, asked)
      else isRefused(answer, 'invalid_request')
      return `exchange, ${end.name}: ${answer.status}`
    }
    const send = 'grant' in code ? () => sendCode(code) : () => sendRefresh(current(grant))
    const [answer] = await both(choose, send, () => end.run(model, world, grant))
    if ('grant' in code) code.used = true
    takeLate(model, answer, grant)
    return `${'grant' in code ? 'redeem' : 'refresh'}, ${end.name}: ${answer.status}`
  },
}

/** A user decides while something ends what would come of it. */
export const decideMeanwhile: Step = {
  name: 'decide meanwhile',
  can: (model) => model.pages.some(isOpen),
  async run(model, world, choose) {
    const page = choose.of(model.pages.filter(isOpen))
    const end = choose.of(ends.filter(({ can }) => can(page)))
    const late = () => sendDecision(page, 'approve').catch(() => undefined)
    const [callback] = await both(choose, late, () => end.run(model, world, page))
    page.decided = true
    await touch(page.person, world)
    const hasCode = callback?.searchParams.has('code') === true
    if (hasCode) takeCode(model, page, callback).grant.over = end.name
    return `${end.name}: ${hasCode ? 'a code' : 'none'}`
  },
}
