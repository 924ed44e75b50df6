import type { Family } from './faults.ts'

/** The eras of the protocol. */
export type Era = 'legacy' | 'modern'

/** One MCP server behind the gate, and how much of the traffic goes to it. */
export interface Lane {
  /** Of the server, and the beginning of the names of its users: letters alone. */
  readonly name: string
  readonly family: Family
  /** What the server speaks. */
  readonly era: Era | 'both'
  /** What its clients speak: the gate translates what the server does not. */
  readonly clients: readonly Era[]
  /** The part of all requests, and of all streams. */
  readonly requests: number
  readonly streams: number
  /** The most users that it has. */
  readonly users: number
  /** Tokens are bound to a key of the user. */
  readonly bound: boolean
  /** One process serves all users. */
  readonly shared: boolean
  /** The operator has not said what the server speaks: the gate asks it, again and again. */
  readonly asked: boolean
}

type Setting = Pick<Lane, 'name' | 'family' | 'era' | 'requests' | 'streams'> & Partial<Lane>

const defaults = {
  clients: ['legacy', 'modern'],
  users: 8,
  bound: false,
  shared: false,
  asked: true,
} as const

const settings: readonly Setting[] = [
  {
    name: 'http',
    family: 'bytes',
    era: 'both',
    requests: 0.5,
    streams: 0.8,
    users: Number.POSITIVE_INFINITY,
    asked: false,
  },
  { name: 'bound', family: 'bytes', era: 'both', requests: 0.08, streams: 0.03, bound: true, asked: false },
  { name: 'modern', family: 'http', era: 'modern', clients: ['legacy'], requests: 0.1, streams: 0.04 },
  { name: 'legacy', family: 'http', era: 'legacy', clients: ['modern'], requests: 0.1, streams: 0.04 },
  { name: 'sse', family: 'sse', era: 'legacy', requests: 0.08, streams: 0.04 },
  { name: 'sharedstdio', family: 'stdio', era: 'modern', requests: 0.08, streams: 0.04, shared: true },
  // A process for each user takes much memory.
  { name: 'modernstdio', family: 'stdio', era: 'modern', requests: 0.03, streams: 0.008, users: 2 },
  { name: 'legacystdio', family: 'stdio', era: 'legacy', requests: 0.029, streams: 0.002, users: 2 },
  {
    name: 'crashing',
    family: 'crash',
    era: 'modern',
    clients: ['modern'],
    requests: 0.001,
    streams: 0,
    users: 1,
    asked: false,
  },
]

/** All of them: each transport and both eras, with and without a translation. */
export const lanes: readonly Lane[] = settings.map((setting) => ({ ...defaults, ...setting }))

/** Where the gate offers a server. */
export function pathOf({ name }: Lane): string {
  return `/${name}/mcp`
}

/** Whether all streams of a user hear the same: the gate has one session at the server for all of them. */
export function tellsAll(lane: Lane, client: Era): boolean {
  return client === 'modern' && lane.era === 'legacy'
}

/** Whether a stream hears the very first message: elsewhere the server begins before anybody listens. */
export function tellsFromStart({ family }: Lane): boolean {
  return family === 'bytes'
}

/** What decides how much a server gets. */
interface Size {
  readonly users: number
  readonly streams: number
}

/** How many users a server has. */
export function usersOf(lane: Lane, { users }: Pick<Size, 'users'>): number {
  return Math.min(lane.users, users)
}

/** The most streams that a user opens at a server which has a session, and perhaps a process, for each. */
const mostStreams = { bytes: Number.POSITIVE_INFINITY, http: 24, sse: 24, stdio: 24, crash: 0 }

/** How many streams are open to a server. */
export function streamsOf(lane: Lane, size: Size): number {
  return Math.min(Math.round(lane.streams * size.streams), usersOf(lane, size) * mostStreams[lane.family])
}

/** How many processes of a server one user may need: for each session of the legacy era, also while old ones end. */
export function processesOf(lane: Lane, size: Size): number {
  return 8 + Math.ceil(streamsOf(lane, size) / usersOf(lane, size)) * 2
}
