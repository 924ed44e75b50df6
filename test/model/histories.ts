import { randomInt } from 'node:crypto'
import { mock } from 'node:test'
import fc from 'fast-check'
import type { TestDatabase } from '../support/postgres.ts'
import { commandOf, type Step } from './command.ts'
import { enterCode, poll, startDevice } from './devices.ts'
import { exchangeToken, machineToken } from './machines.ts'
import { decideMeanwhile, endMeanwhile } from './meanwhile.ts'
import { decide, openPage } from './pages.ts'
import { addPerson, changePassword, disable, enable, signOut } from './people.ts'
import { addPrograms, block, registerStep, remove, unblock } from './programs.ts'
import { misuseCode, redeem } from './redeem.ts'
import { misuseRefresh, refresh } from './refresh.ts'
import { revokeAccess, revokeGrant, revokeProgram, revokeRefresh } from './revoke.ts'
import { signIn } from './sign-in.ts'
import { emptyModel, type Model } from './state.ts'
import { call } from './step-up.ts'
import { pass, passLong, restart, retire, rotate, sweep } from './time.ts'
import { redeemTwice, refreshTwice } from './twice.ts'
import { openWorld, type World } from './world.ts'

/** How often each thing happens among the others. */
const steps: readonly (readonly [times: number, Step])[] = [
  [14, signIn],
  [5, openPage],
  [6, decide],
  [20, redeem],
  [2, misuseCode],
  [16, refresh],
  [2, misuseRefresh],
  [2, revokeAccess],
  [1, revokeRefresh],
  [1, revokeProgram],
  [1, revokeGrant],
  [5, call],
  [4, exchangeToken],
  [2, machineToken],
  [3, startDevice],
  [4, enterCode],
  [6, poll],
  [1, disable],
  [4, enable],
  [1, signOut],
  [1, changePassword],
  [1, block],
  [4, unblock],
  [1, remove],
  [2, registerStep],
  [4, refreshTwice],
  [1, redeemTwice],
  [3, endMeanwhile],
  [2, decideMeanwhile],
  [12, pass],
  [2, passLong],
  [1, sweep],
  [2, restart],
  [1, rotate],
  [1, retire],
]

interface Histories {
  readonly runs: number
  /** The most things that happen in one. */
  readonly length: number
  readonly seed?: number | undefined
  /** Where the history is in the tree of those that came from the seed, as fast-check prints it. */
  readonly path?: string | undefined
  /** Whether to look for a shorter history that goes wrong as well, which takes long. */
  readonly shrinks?: boolean
  /** Creates the database of each history, which two replicas then share. */
  readonly database?: (() => Promise<TestDatabase>) | undefined
}

/** Lets random things happen. Throws with the history that went wrong, its seed and its path. */
export async function runHistories(histories: Histories): Promise<void> {
  const { runs, length, seed, path, shrinks = false, database } = histories
  const commands = fc.commands(
    steps.flatMap(([times, step]) => Array.from({ length: times }, () => commandOf(step))),
    { maxCommands: length, size: 'max' },
  )
  const property = fc.asyncProperty(commands, async (history) => {
    // The library goes by the time of the machine: Date alone is moved, timers run on.
    mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const store = await database?.()
    const world = await openWorld(store?.url)
    try {
      await fc.asyncModelRun(() => begin(world), history)
    } finally {
      await world.close()
      await store?.drop()
      mock.timers.reset()
    }
  })
  await fc.assert(property, {
    numRuns: runs,
    seed: seed ?? randomInt(2 ** 31),
    ...(path === undefined ? {} : { path }),
    endOnFailure: !shrinks,
  })
}

async function begin(real: World): Promise<{ model: Model; real: World }> {
  const model = emptyModel()
  for (const name of ['ada', 'bob']) await addPerson(model, real, name)
  await addPrograms(model, real)
  return { model, real }
}
