import type { Step } from './command.ts'
import { lifetimes } from './configuration.ts'
import { renewForgotten } from './programs.ts'

const keptMilliseconds = 24 * 3600_000

const moments = [1, 5, 5, 12, 21, 31, 61]
const ages = [
  600,
  1800,
  3590,
  3660,
  6 * 3600,
  24 * 3600,
  lifetimes.refreshIdleSeconds - 120,
  lifetimes.refreshIdleSeconds + 120,
]

function passing(name: string, pauses: readonly number[]): Step {
  return {
    name,
    async run(model, world, choose) {
      const seconds = choose.of(pauses)
      await world.pass(seconds)
      await renewForgotten(model, world)
      return `${seconds} s`
    },
  }
}

/** Time passes. */
export const pass = passing('pass', moments)
/** A longer time passes. */
export const passLong = passing('pass long', ages)

/** What expired a day ago is swept away. */
export const sweep: Step = {
  name: 'sweep',
  async run({ grants }, world) {
    await world.sweep()
    for (const { told } of grants)
      for (const [scopes, until] of told) if (until < Date.now() - keptMilliseconds) told.delete(scopes)
  },
}

/** A replica starts anew. */
export const restart: Step = {
  name: 'restart',
  run: (_model, world, choose) => world.restart(choose.below(2)),
}

/** An operator lets another key sign soon. */
export const rotate: Step = {
  name: 'rotate',
  run: async (_model, world) => world.operate('keys/rotate', (await world.keys())[0] as string),
}

/** An operator ends a key, and all tokens that it signed. */
export const retire: Step = {
  name: 'retire',
  async run(model, world, choose) {
    const kid = choose.of(await world.keys())
    await world.operate('keys/retire', kid)
    model.retired.add(kid)
  },
}
