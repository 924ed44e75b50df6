import { Command, Option } from 'commander'
import { systemClock } from '../core/clock.ts'
import {
  auditKeys,
  type KeyPurpose,
  keyState,
  type SigningAlgorithm,
  signingAlgorithms,
  tokenKeyPurposes,
} from '../keys/key-states.ts'
import { type KeyLine, retireKey, rotateKeys } from '../keys/rotate-keys.ts'
import { audited } from './audited.ts'
import { wrongOperand } from './operand-wrong.ts'
import { table } from './table.ts'
import { addInstallationFlags, type OpenStore, type StoreFlags, withStore } from './with-store.ts'

interface RotateFlags extends StoreFlags {
  readonly now?: boolean
  readonly identity?: boolean
  readonly audit?: boolean
  readonly algorithm?: SigningAlgorithm
}

/** What the keys of a purpose sign, for people. */
const signs: Readonly<Record<KeyPurpose, string>> = {
  'authorization-server': 'access tokens',
  'gateway-identity': 'identity tokens',
  audit: 'the audit',
}

const stillVerified = 'What older keys have signed in the audit can still be verified with them.'

/**
 * `portcullis key`: the keys with which tokens are signed, also while servers are running on the same store.
 */
export function keyCommand(): Command {
  return new Command('key')
    .description('List, rotate and retire signing keys. Running servers follow within a second.')
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(retireCommand())
}

function listCommand(): Command {
  return addInstallationFlags(new Command('list'))
    .description('List the signing keys.')
    .option('--json', 'print JSON for programs')
    .action((flags: StoreFlags) =>
      withKeys(flags, async (lines) => {
        const rows = [['key', 'signs', 'algorithm', 'state', 'signs from', 'verifies until']]
        for (const line of lines) {
          const keys = await line.store.list(line.purpose)
          for (const key of keys) {
            const state = keyState(key, keys, line.algorithm, line.clock.now())
            const [shown, until] =
              line.purpose === auditKeys.purpose
                ? [state === 'gone' ? 'retired' : state, '-'] // its signatures never stop counting
                : [state, key.endsAt === undefined ? '-' : time(key.endsAt)]
            rows.push([key.kid, signs[line.purpose], key.algorithm, shown, time(key.signsFrom), until])
          }
        }
        if (flags.json !== true) return console.log(table(rows))
        const [names = [], ...keys] = rows
        const entries = keys.map((row) =>
          Object.fromEntries(names.map((name, column) => [name.replace(' ', '_'), row[column]])),
        )
        console.log(JSON.stringify(entries, undefined, 2))
      }),
    )
}

function rotateCommand(): Command {
  return addInstallationFlags(new Command('rotate'))
    .description(
      'Make a new key. It is published at once and starts to sign ten minutes later, when all verifiers have it.',
    )
    .option('--now', 'let the new key sign at once')
    .option('--identity', 'the keys of identity tokens, by which MCP servers know the gateway')
    .option('--audit', 'the keys that sign the audit')
    .addOption(
      new Option(
        '--algorithm <algorithm>',
        'algorithm of the new key, if servers are to change over to another one',
      ).choices(signingAlgorithms),
    )
    .action(({ now = false, identity = false, audit = false, algorithm, ...flags }: RotateFlags) => {
      if (algorithm !== undefined && (identity || audit))
        throw wrongOperand('--algorithm', 'applies only to the keys of access tokens')
      if (identity && audit)
        throw wrongOperand('--identity, --audit', 'are alternatives: give one of them, then the other')
      return withKeys(flags, async ([tokens, identities, audits], open) => {
        const { signingAlgorithm, servedAlgorithm } = open.facts
        const chosen = { ...tokens, algorithm: algorithm ?? signingAlgorithm, served: servedAlgorithm }
        const line = audit ? audits : identity ? identities : chosen
        const change = { event: 'admin.key', action: 'key rotate', target: line.purpose } as const
        const beginning = now ? 'at-once' : 'after-notice'
        const { outcome, key } = await audited(open, change, () => rotateKeys(line, beginning))
        const made = outcome === 'made' ? 'The new key' : 'A rotation is under way: the key'
        const begins = key.signsFrom <= systemClock.now() ? 'signs now' : `signs from ${time(key.signsFrom)}`
        const waits = line === chosen && line.algorithm !== servedAlgorithm
        console.log(`${made} ${key.kid} is published${waits ? '' : ` and ${begins}`}.`)
        if (waits)
          console.log(
            `It signs with ${line.algorithm}. The servers were started to sign with ${servedAlgorithm} and keep doing so, and none of those keys ends: a server that starts with tokens.signingAlgorithm ${line.algorithm} takes the new key.`,
          )
        console.log(
          audit ? stillVerified : 'Tokens that older keys have signed stay valid until they expire.',
        )
      })
    })
}

function retireCommand(): Command {
  return addInstallationFlags(new Command('retire'))
    .description(
      'End a key at once, because somebody else may have it. What it signed no longer counts, except in the audit.',
    )
    .argument('<key>', 'as portcullis key list shows it')
    .action((kid: string, flags: StoreFlags) =>
      withKeys(flags, async (lines, open) => {
        const all = await Promise.all(lines.map(({ store, purpose }) => store.list(purpose)))
        const line = lines[all.findIndex((keys) => keys.some((key) => key.kid === kid))]
        if (line === undefined)
          throw wrongOperand('key', `there is no key ${kid}: portcullis key list shows all`)
        const change = { event: 'admin.key', action: 'key retire', target: kid } as const
        await audited(open, change, async () => {
          if (!(await retireKey(line, kid))) throw wrongOperand('key', `${kid} has ended already`)
        })
        console.log(`${kid} has ended, and another key signs now.`)
        console.log(
          line.purpose === auditKeys.purpose
            ? `${stillVerified} So can what somebody else signs with this one: keep a copy of the events until now where they cannot write, and leave the key out of those that you pass to portcullis audit verify --keys if that must not be.`
            : `The ${signs[line.purpose]} that it signed are refused from now on. Clients get new ones without asking anybody: nobody has to sign in again. Other services that verify them may keep the old key for five minutes.`,
        )
      }),
    )
}

/**
 * Opens the store of an installation and passes on its keys, those of access tokens first. Throws
 * OperandWrong.
 */
async function withKeys(
  flags: StoreFlags,
  act: (lines: readonly [KeyLine, KeyLine, KeyLine], open: OpenStore) => Promise<void>,
): Promise<void> {
  await withStore(flags, (open) => {
    const { store, facts } = open
    // Running servers use what they were started with, whatever a file says by now.
    const [tokens, identities] = tokenKeyPurposes(facts.servedAlgorithm)
    const ports = { store: store.keys, clock: systemClock }
    const lines = [
      { ...ports, ...tokens },
      { ...ports, ...identities },
      { ...ports, ...auditKeys },
    ] as const
    return act(lines, open)
  })
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}
