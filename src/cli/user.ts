import { Command } from 'commander'
import { buildPeople, setUpLink } from '../compose/people.ts'
import { systemClock } from '../core/clock.ts'
import { displayText } from '../core/display-text.ts'
import { checkNewUser, type People } from '../identity/people.ts'
import { signsInAt, type UserState, userState } from '../identity/user-state.ts'
import type { User } from '../storage/user-contract.ts'
import { audited } from './audited.ts'
import { wrongOperand } from './operand-wrong.ts'
import { readPassword } from './password.ts'
import { table } from './table.ts'
import {
  addInstallationFlags,
  type InstallationFacts,
  type OpenStore,
  type StoreFlags,
  withStore,
} from './with-store.ts'

interface UserFlags extends StoreFlags {
  readonly displayName?: string
  readonly passwordStdin?: boolean
}

/** What a command is given. */
interface Asked extends UserFlags {
  /** Reads the new password, once. */
  readonly password: () => Promise<string>
}

type Action = (people: People, name: string, asked: Asked, facts: InstallationFacts) => Promise<void>

/** Throws PersonRefused and OperandWrong for what fails in any store. */
type Check = (name: string, asked: Asked) => Promise<void>

/**
 * `portcullis user`: the users who may log in. Works on the store, whether or not servers are running on it.
 */
export function userCommand(): Command {
  const done =
    (what: string, change: (people: People, name: string) => Promise<void>): Action =>
    async (people, name) => {
      await change(people, name)
      console.log(`${name} ${what}`)
    }
  return new Command('user')
    .description('Manage the people who can sign in.')
    .addCommand(listCommand())
    .addCommand(
      withPassword(named('add', 'Add a user.', add, checkAdded)).option(
        '--display-name <text>',
        'shown on pages',
      ),
    )
    .addCommand(
      named(
        'invite',
        'Add a user who chooses a password, through a link that works once, within the hour.',
        invite,
        checkInvited,
      ).option('--display-name <text>', 'shown on pages'),
    )
    .addCommand(
      withPassword(
        named(
          'set-password',
          'Give a user a new password, and end all their logins and passkeys.',
          setPassword,
        ),
      ),
    )
    .addCommand(
      named(
        'disable',
        'Keep a user out at once: every login, grant and token ends.',
        done('is disabled', (people, name) => people.disable(name)),
      ),
    )
    .addCommand(
      named(
        'enable',
        'Let a user in again.',
        done('is enabled', (people, name) => people.enable(name)),
      ),
    )
    .addCommand(
      named(
        'remove',
        'Remove a user for good.',
        done('was removed', (people, name) => people.remove(name)),
      ),
    )
}

function listCommand(): Command {
  return addInstallationFlags(new Command('list'))
    .description('List the users.')
    .option('--json', 'print one JSON document for programs')
    .action(async ({ json = false, ...flags }: UserFlags) => {
      await withPeople(flags, async (people) => {
        const users = (await people.list()).map(describe)
        if (json) console.log(JSON.stringify(users, null, 2))
        else if (users.length === 0)
          console.log('There are no users yet: add one with portcullis user add NAME.')
        else {
          const rows = users.map((user) => [
            displayText(user.name),
            user.id,
            user.state,
            user.displayName,
            user.signsInAt,
          ])
          console.log(table([['name', 'id', 'state', 'shown as', 'signs in at'], ...rows]))
        }
      })
    })
}

const knownName = 'the name they sign in with, or the id that "user list" shows'
const newName = 'the name to sign in with: letters, digits and . _ @ + -'

/** `check` is for a command that lets a user in, before the first start as well. */
function named(name: string, description: string, action: Action, check?: Check): Command {
  return addInstallationFlags(new Command(name))
    .description(description)
    .argument('<name>', check === undefined ? knownName : newName)
    .action(async (user: string, flags: UserFlags) => {
      let password: Promise<string> | undefined
      const read = () => (password ??= readPassword({ fromStdin: flags.passwordStdin === true }))
      const asked = { ...flags, password: read }
      await withPeople(
        flags,
        (people, open) => {
          const change = { event: 'admin.user', action: `user ${name}`, target: user } as const
          return audited(open, change, () => action(people, user, asked, open.facts))
        },
        check && (() => check(user, asked)),
      )
    })
}

const add: Action = async (people, name, { displayName, password }) => {
  await people.checkFree(name)
  const { id } = await people.add({ name, displayName, password: await password() })
  console.log(`${name} was added: ${id}`)
}

const checkAdded: Check = async (name, { password }) => {
  checkNewUser(name)
  checkNewUser(name, await password())
}

const invite: Action = async (people, name, { displayName }, facts) => {
  console.log(setUpLink(facts, await people.invite(name, displayName)))
}

const checkInvited: Check = async (name) => checkNewUser(name)

const setPassword: Action = async (people, name, { password }) => {
  await people.checkKnown(name)
  await people.setPassword(name, await password())
  console.log(`${name} has a new password; all logins and passkeys have ended`)
}

function withPassword(command: Command): Command {
  return command.option('--password-stdin', 'read the password from standard input instead of asking')
}

/** Users may be added before the first start, after a check: then there need not be a store yet. */
async function withPeople(
  flags: UserFlags,
  act: (people: People, open: OpenStore) => Promise<void>,
  check?: () => Promise<void>,
): Promise<void> {
  const use = async (open: OpenStore): Promise<void> => {
    if (check !== undefined) requireLocal(open.facts)
    const { store, secret } = open
    await act(buildPeople({ store, secret, clock: systemClock }), open)
  }
  const beforeMaking = async (facts: Pick<InstallationFacts, 'users'>): Promise<void> => {
    requireLocal(facts)
    await check?.()
  }
  await withStore(flags, use, { beforeMaking: check && beforeMaking })
}

/** Throws OperandWrong if nobody could log in as the user. */
function requireLocal({ users }: Pick<InstallationFacts, 'users'>): void {
  if (users === undefined || users === 'local') return
  const message = `is ${users}, so users in the store cannot sign in: set it to local, as it is in production mode`
  throw wrongOperand('login.users', message)
}

function describe(user: User): {
  id: string
  name: string
  displayName: string
  state: UserState
  signsInAt: string
  createdAt: string
} {
  return {
    id: user.id,
    name: user.name,
    displayName: displayText(user.displayName),
    state: userState(user),
    signsInAt: signsInAt(user),
    createdAt: new Date(user.createdAt).toISOString(),
  }
}
