import fc from 'fast-check'
import { checkAll } from './check.ts'
import { type Choices, choicesFrom } from './choices.ts'
import type { Model } from './state.ts'
import type { World } from './world.ts'

/** One thing that happens: does it, throws if it went otherwise than it must, and tells the model. */
export interface Step {
  readonly name: string
  /** Whether it can happen now. */
  readonly can?: (model: Model) => boolean
  readonly run: (model: Model, world: World, choose: Choices) => Promise<unknown>
}

type Command = fc.AsyncCommand<Model, World>

const mostChoices = 8

/** Commands that take this step, after each of which everything is checked. */
export function commandOf({ name, can = () => true, run }: Step): fc.Arbitrary<Command> {
  return fc.array(fc.nat({ max: 59 }), { minLength: mostChoices, maxLength: mostChoices }).map((numbers) => {
    let result: unknown
    return {
      check: can,
      async run(model, world) {
        result = await run(model, world, choicesFrom(numbers))
        await checkAll(model, world)
      },
      toString: () => `${name}(${numbers.join(',')})${result === undefined ? '' : ` = ${String(result)}`}`,
    }
  })
}
