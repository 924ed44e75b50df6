import { Command } from 'commander'
import { buildPeople, setUpLink } from '../compose/people.ts'
import { openConfiguredStore } from '../compose/store.ts'
import { fileVariable } from '../config/environment.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { displayText } from '../http/page.ts'
import type { People } from '../identity/people.ts'
import type { User } from '../storage/contract.ts'
import { flagSettings } from './flags.ts'
import { readPassword } from './password.ts'
import { addInstallationFlags, type StoreFlags } from './with-store.ts'

interface UserFlags extends StoreFlags {
  readonly displayName?: string
  readonly passwordStdin?: boolean
}

type Action = (people: People, name: string, flags: UserFlags, config: Config) => Promise<void>

/** `portcullis user`: the people who may log in. Works on the store, whether or not servers are running on it. */
export function userCommand(): Command {
  const done =
    (what: string, change: (people: People, name: string) => Promise<void>): Action =>
    async (people, name) => {
      await change(people, name)
      console.log(`${name} ${what}`)
    }
  return new Command('user')
    .description('Manage the people who may log in.')
    .addCommand(listCommand())
    .addCommand(
      withPassword(named('add', 'Add a user.', add)).option('--display-name <text>', 'shown on pages'),
    )
    .addCommand(
      named(
        'invite',
        'Add a user who chooses a password on a link that works once, within the hour.',
        invite,
      ).option('--display-name <text>', 'shown on pages'),
    )
    .addCommand(
      withPassword(
        named('set-password', 'Give a user a new password, and end every login and passkey.', setPassword),
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
        done('is removed', (people, name) => people.remove(name)),
      ),
    )
}

function listCommand(): Command {
  return addInstallationFlags(new Command('list'))
    .description('List the users.')
    .option('--json', 'for machines, one JSON document')
    .action(async ({ json = false, ...flags }: UserFlags) => {
      await withPeople(flags, async (people) => {
        const users = (await people.list()).map(describe)
        if (json) console.log(JSON.stringify(users, null, 2))
        else
          for (const user of users)
            console.log(`${user.name}\t${user.id}\t${user.state}\t${user.displayName}`)
      })
    })
}

function named(name: string, description: string, action: Action): Command {
  return addInstallationFlags(new Command(name))
    .description(description)
    .argument('<name>', 'the name with which they log in')
    .action(async (user: string, flags: UserFlags) => {
      await withPeople(flags, (people, config) => action(people, user, flags, config))
    })
}

const add: Action = async (people, name, { displayName, passwordStdin = false }) => {
  const { id } = await people.add({ name, displayName, password: await readPassword(passwordStdin) })
  console.log(`${name} is added: ${id}`)
}

const invite: Action = async (people, name, { displayName }, config) => {
  console.log(setUpLink(config, await people.invite(name, displayName)))
}

const setPassword: Action = async (people, name, { passwordStdin = false }) => {
  await people.setPassword(name, await readPassword(passwordStdin))
  console.log(`${name} has a new password; every login and passkey has ended`)
}

function withPassword(command: Command): Command {
  return command.option('--password-stdin', 'read the password from standard input instead of asking')
}

async function withPeople(
  { config: file = process.env[fileVariable], ...flags }: UserFlags,
  act: (people: People, config: Config) => Promise<void>,
): Promise<void> {
  const config = loadConfig({ file, environment: process.env, flags: flagSettings(flags) })
  // Users may be there before the first start, so there need not be a store yet.
  const { store, secret } = await openConfiguredStore(config, systemClock)
  try {
    await act(buildPeople({ store, secret, clock: systemClock }), config)
  } finally {
    await store.close()
  }
}

function describe({ id, name, displayName, passwordHash, createdAt, disabledAt }: User): {
  id: string
  name: string
  displayName: string
  state: 'active' | 'invited' | 'disabled'
  createdAt: string
} {
  const invited = passwordHash === undefined ? 'invited' : 'active'
  return {
    id,
    name,
    displayName: displayText(displayName),
    state: disabledAt === undefined ? invited : 'disabled',
    createdAt: new Date(createdAt).toISOString(),
  }
}
