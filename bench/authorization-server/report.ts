import { cpus } from 'node:os'

/** The server that the others are compared with. */
export const yardstick = 'oidc-provider, in memory'

/** How fast requests of one kind were answered. */
export interface Rate {
  readonly perSecond: number
  /** CPU of the server, in microseconds per request. */
  readonly cpu: number
}

/** What was measured of a server: once in each round, and each login in milliseconds. */
export interface Figures {
  readonly machine: Rate[]
  readonly refresh: Rate[]
  readonly logins: number[]
}

/** How a run measured. */
interface Settings {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
}

/**
 * Plain oidc-provider with ES256 as measured on another machine, with Node 24 and a load generator that may
 * have limited the faster ones: requests per second, and milliseconds per login. SQLite did not wait for the
 * disk there.
 */
const elsewhere = [
  { store: 'in memory', machine: 2764, refresh: 1253, login: 13.3 },
  { store: 'SQLite', machine: 1700, refresh: 1377, login: 7 },
  { store: 'PostgreSQL', machine: 2178, refresh: 959, login: 16.1 },
]

/** Prints the table of a run: medians, and their ratios to those of the yardstick. */
export function printReport(
  figures: ReadonlyMap<string, Figures>,
  { rounds, seconds, connections }: Settings,
): void {
  const at = (list: readonly number[], share: number): number =>
    list.toSorted((a, b) => a - b)[Math.floor(list.length * share)] ?? 0
  const median = (rates: readonly Rate[], of: keyof Rate): number =>
    at(
      rates.map((rate) => rate[of]),
      0.5,
    )
  const base = figures.get(yardstick)
  const ratio = (value: number, other: number | undefined): string =>
    other === undefined ? '' : ` (${(value / other).toFixed(2)})`
  console.log(
    `${cpus()[0]?.model ?? ''}, ${cpus().length} CPUs, Node ${process.version}, ${rounds} rounds of ${seconds} s, ${connections} connections, ES256; in brackets: times the yardstick\n`,
  )
  console.log(
    '| server | client_credentials/s | CPU µs | refresh with rotation/s | CPU µs | login, consent and code p50 ms | p99 ms |',
  )
  console.log('|---|---|---|---|---|---|---|')
  for (const [name, { machine, refresh, logins }] of figures) {
    const rate = (own: Rate[], other: Rate[] | undefined, of: keyof Rate): string => {
      const value = median(own, of)
      return value.toFixed(0) + ratio(value, other && median(other, of))
    }
    const cells = [
      name,
      rate(machine, base?.machine, 'perSecond'),
      rate(machine, base?.machine, 'cpu'),
      rate(refresh, base?.refresh, 'perSecond'),
      rate(refresh, base?.refresh, 'cpu'),
      at(logins, 0.5).toFixed(1) + ratio(at(logins, 0.5), base && at(base.logins, 0.5)),
      at(logins, 0.99).toFixed(1),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
  for (const { store, machine, refresh, login } of elsewhere)
    console.log(
      `| elsewhere: oidc-provider, ${store} | ${machine} | | ${refresh} | | ${login.toFixed(1)} | |`,
    )
}
