import { type Era, lanes, streamsOf, tellsAll, tellsFromStart } from './lanes.ts'
import { readMarks } from './marks.ts'
import { type OpenStream, openStream, StreamRefused } from './open-stream.ts'
import type { Options } from './options.ts'
import type { User } from './users.ts'

/** The outcomes of the streams so far. */
export interface StreamCounts {
  opened: number
  messages: number
  /** Messages that belong to somebody else, that never arrived, and that arrived twice. */
  crossed: number
  lost: number
  doubled: number
  /** Streams on which nothing arrived for too long. */
  silent: number
  /** How streams ended: with their token, by the client, or too early. Some continued for too long. */
  endedWithToken: number
  closed: number
  endedEarly: number
  outlived: number
  /** Streams that could not be opened, by server and status; 0 if there was no answer. */
  readonly refused: Record<string, number>
  /** Messages, by server. */
  readonly heard: Record<string, number>
}

/** Streams that are kept open, to each server and in each era that its clients use. */
export interface Streams {
  readonly counts: StreamCounts
  readonly open: () => number
  /** Resolves when an attempt was made to open each of them. */
  readonly ready: Promise<void>
  /** Closes half of the streams of a user, which return with the new token. The gateway ends the others. */
  renew(user: User): void
  stop(): void
}

interface Slot {
  readonly number: number
  readonly user: User
  readonly era: Era
  stream: OpenStream | undefined
  expiresAt: number
  heardAt: number
  /** The place of the next message; undefined if any may be the first. */
  next: number | undefined
}

const openingAtOnce = 16
const mostDelayMilliseconds = 3000
/** A stream ends within a second of its token, which is valid for five seconds longer than it says. */
const mostAfterTokenMilliseconds = 10_000

/** Begins to open streams, and reopens those that end. */
export function startStreams(users: readonly User[], options: Options): Streams {
  const counts: StreamCounts = {
    opened: 0,
    messages: 0,
    crossed: 0,
    lost: 0,
    doubled: 0,
    silent: 0,
    endedWithToken: 0,
    closed: 0,
    endedEarly: 0,
    outlived: 0,
    refused: {},
    heard: {},
  }
  const slots = makeSlots(users, options)
  const waiting: Slot[] = [...slots]
  const timers = new Set<NodeJS.Timeout>()
  const silence = options.notifySeconds * 3000
  let open = 0
  let stopped = false
  let opening = 0
  const ready = Promise.withResolvers<void>()

  const pump = (): void => {
    if (stopped) waiting.length = 0
    while (opening < openingAtOnce && waiting.length > 0) {
      opening++
      void begin(waiting.shift() as Slot).finally(() => {
        opening--
        pump()
      })
    }
    if (opening === 0 && waiting.length === 0) ready.resolve()
  }

  /** Real clients do not all return at the same time either. */
  const comeBack = (slot: Slot): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      waiting.push(slot)
      pump()
    }, Math.random() * mostDelayMilliseconds)
    timers.add(timer)
  }

  async function begin(slot: Slot): Promise<void> {
    const { user, number } = slot
    try {
      const stream = await openStream(user, number, slot.era)
      counts.opened++
      open++
      Object.assign(slot, { stream, expiresAt: stream.expiresAt, heardAt: Date.now(), next: firstOf(slot) })
      listen(slot, stream)
    } catch (error) {
      const key = `${user.lane.name} ${error instanceof StreamRefused ? error.status : 0}`
      counts.refused[key] = (counts.refused[key] ?? 0) + 1
      if (!stopped) comeBack(slot)
    }
  }

  function listen(slot: Slot, stream: OpenStream): void {
    let rest = ''
    stream.body.setEncoding('utf8')
    stream.body.on('data', (chunk: string) => {
      const text = rest + chunk
      const end = text.lastIndexOf('\n\n') + 1
      rest = text.slice(end)
      hear(slot, text.slice(0, end))
    })
    stream.body.on('error', () => {}) // it is closed, then
    stream.body.once('close', () => {
      if (slot.stream !== stream) return
      if (Date.now() >= slot.expiresAt) counts.endedWithToken++
      else counts.endedEarly++
      leave(slot)
    })
  }

  function hear(slot: Slot, text: string): void {
    const { name, lane } = slot.user
    const expected = tellsAll(lane, slot.era) ? 0 : slot.number
    for (const { user, number, part, place } of readMarks(text)) {
      counts.messages++
      counts.heard[lane.name] = (counts.heard[lane.name] ?? 0) + 1
      if (user !== name || number !== expected || part !== 'n') {
        counts.crossed++
        continue
      }
      slot.heardAt = Date.now()
      const next = slot.next ?? place
      if (place < next) counts.doubled++
      else counts.lost += place - next
      slot.next = Math.max(next, place + 1)
    }
  }

  function leave(slot: Slot): void {
    const { stream } = slot
    slot.stream = undefined
    open--
    stream?.close()
    if (!stopped) comeBack(slot)
  }

  const checker = setInterval(() => {
    const now = Date.now()
    for (const slot of slots) {
      if (slot.stream === undefined) continue
      if (now - slot.expiresAt > mostAfterTokenMilliseconds) counts.outlived++
      else if (now - slot.heardAt > silence) counts.silent++
      else continue
      leave(slot)
    }
  }, 1000)
  pump()

  return {
    counts,
    open: () => open,
    ready: ready.promise,
    renew(user) {
      const own = slots.filter((slot) => slot.user === user && slot.stream !== undefined)
      for (const slot of own.filter((_, index) => index % 4 < 2)) {
        counts.closed++
        leave(slot)
      }
    },
    stop() {
      stopped = true
      clearInterval(checker)
      for (const timer of timers) clearTimeout(timer)
      for (const slot of slots) if (slot.stream !== undefined) leave(slot)
    },
  }
}

function firstOf({ user }: Slot): number | undefined {
  return tellsFromStart(user.lane) ? 0 : undefined
}

/** Distributes the streams of each server among its users, and those of each user among the eras. */
function makeSlots(users: readonly User[], options: Options): Slot[] {
  let number = 0
  return lanes.flatMap((lane) => {
    const own = users.filter((user) => user.lane === lane)
    return Array.from({ length: streamsOf(lane, options) }, (_, index): Slot => {
      const user = own[index % own.length] as User
      const era = lane.clients[(index + Math.floor(index / own.length)) % lane.clients.length] as Era
      return { number: ++number, user, era, stream: undefined, expiresAt: 0, heardAt: 0, next: 0 }
    })
  })
}
