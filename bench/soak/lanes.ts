import type { Family } from './faults.ts'

/** The eras of the protocol. */
export type Era = 'legacy' | 'modern'

/** One MCP server behind the gateway, and its share of the traffic. */
export interface Lane {
  /** The name of the server, which also begins the names of its users: only letters. */
  readonly name: string
  readonly family: Family
  /** The eras that the server supports. */
  readonly era: Era | 'both'
  /** The eras that its clients use: the gateway translates if the server does not support one. */
  readonly clients: readonly Era[]
  /** The share of all requests, and of all streams. */
  readonly requests: number
  readonly streams: number
  /** The maximum number of its users. */
  readonly users: number
  /** Tokens are bound to a key of the user. */
  readonly bound: boolean
  /** One process serves all users. */
  readonly shared: boolean
  /** The operator has not said which era the server supports: the gateway asks it repeatedly. */
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

/** The path at which the gateway offers a server. */
export function pathOf({ name }: Lane): string {
  return `/${name}/mcp`
}

/**
 * Whether all streams of a user receive the same: the gateway has one session with the server for all of
 * them.
 */
export function tellsAll(lane: Lane, client: Era): boolean {
  return client === 'modern' && lane.era === 'legacy'
}

/**
 * Whether a stream receives the very first message: with others, the server begins before anybody listens.
 */
export function tellsFromStart({ family }: Lane): boolean {
  return family === 'bytes'
}

/** Determines how much traffic a server gets. */
interface Size {
  readonly users: number
  readonly streams: number
}

/** How many users a server has. */
export function usersOf(lane: Lane, { users }: Pick<Size, 'users'>): number {
  return Math.min(lane.users, users)
}

/** The maximum number of streams per user of a server that has a session, and perhaps a process, for each. */
const mostStreams = { bytes: Number.POSITIVE_INFINITY, http: 24, sse: 24, stdio: 24, crash: 0 }

/** How many streams to a server are open. */
export function streamsOf(lane: Lane, size: Size): number {
  return Math.min(Math.round(lane.streams * size.streams), usersOf(lane, size) * mostStreams[lane.family])
}

/**
 * How many processes of a server one user may need: one per session of the legacy era, even while old ones
 * are ending.
 */
export function processesOf(lane: Lane, size: Size): number {
  return 8 + Math.ceil(streamsOf(lane, size) / usersOf(lane, size)) * 2
}
