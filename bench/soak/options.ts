import { readFileSync } from 'node:fs'
import { OptionsWrong, readFlags, readNumber } from '../../test/support/command-line.ts'

/** What to run, and for how long. */
export interface Options {
  readonly minutes: number
  /** Requests per second. */
  readonly rate: number
  readonly streams: number
  /** The share of requests with a deliberate fault. */
  readonly faults: number
  readonly users: number
  /** The lifetime of access tokens. */
  readonly tokenSeconds: number
  /** How long the gateway waits for a server, and therefore when an answer counts as lost. */
  readonly responseSeconds: number
  /** How often each stream receives something. */
  readonly notifySeconds: number
  /** Where the gateway stores its data. */
  readonly store: 'sqlite' | 'postgres'
  /** Where the raw figures are written. */
  readonly json: string | undefined
  /** What the server should spoil, to see whether it is noticed: `swap`, `lose`. */
  readonly sabotage: string
}

/** Reads the command line. Throws OptionsWrong. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const values = readFlags(
    {
      minutes: text,
      rate: { ...text, default: '500' },
      streams: { ...text, default: '2000' },
      faults: { ...text, default: '0.01' },
      users: { ...text, default: '50' },
      'token-seconds': { ...text, default: '300' },
      'response-seconds': { ...text, default: '5' },
      'notify-seconds': { ...text, default: '10' },
      store: { ...text, default: 'sqlite' },
      json: text,
      sabotage: { ...text, default: '' },
    },
    args,
  )
  const number = (name: keyof typeof values, least: number, most: number): number =>
    readNumber(name, values[name], least, most)
  const { store } = values
  if (store !== 'sqlite' && store !== 'postgres') throw new OptionsWrong('--store must be sqlite or postgres')
  return {
    minutes: number('minutes', 0.05, 10_080),
    rate: number('rate', 1, 20_000),
    streams: Math.round(number('streams', 0, 100_000)),
    faults: number('faults', 0, 1),
    users: Math.round(number('users', 1, 10_000)),
    tokenSeconds: Math.round(number('token-seconds', 30, 86_400)),
    responseSeconds: number('response-seconds', 1, 300),
    notifySeconds: number('notify-seconds', 0.5, 300),
    store,
    json: values.json,
    sabotage: values.sabotage,
  }
}

const filesBesides = 1500

/** Throws OptionsWrong if a process may not open as many files as the run needs. */
export function checkOpenFiles({ streams }: Options): void {
  const needed = 2 * streams + filesBesides
  const [, limit = 'unlimited'] =
    /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  if (limit !== 'unlimited' && Number(limit) < needed) {
    throw new OptionsWrong(
      `${streams} streams need up to ${needed} open files in a process, and ${limit} are allowed: ` +
        `run "ulimit -n ${needed}" first, or open fewer --streams`,
    )
  }
}
