import { Refusal } from '../../core/errors.ts'
import type { Conversation } from './contract.ts'

/** How many conversations there may be, and how long an unused one is kept. */
export interface ConversationLimits {
  readonly total: number
  readonly perOwner: number
  readonly idleSeconds: number
}

type StartUnder<T> = (onClosed: () => void) => T

/** The running conversations with one server, by key. */
export interface Registry<T extends Conversation> {
  /** The conversation of a key; finding it counts as use. */
  find(key: string): T | undefined
  /**
   * Starts one under a key. Throws `too_many_requests` if this owner, or all owners together, have too many.
   */
  open(key: string, owner: string, start: StartUnder<T>): T
  /**
   * Finds one or starts one. If there are too many, stops the one that is needed least, and waits until it is
   * gone. Throws `too_many_requests` if all are needed.
   */
  reach(key: string, owner: string, start: StartUnder<T>): Promise<T>
  /** Throws `too_many_requests` if an owner could not start another one without stopping any. */
  checkRoom(owner: string): void
  /** Stops one. It is no longer found, but counts until it is gone. */
  stop(key: string): Promise<void>
  close(): Promise<void>
}

interface Entry<T> {
  readonly key: string
  readonly conversation: T
  readonly owner: string
  readonly timer: NodeJS.Timeout
  /** Whether it has had no request for so long that only its listener keeps it alive. */
  isOverdue: boolean
}

interface Leaving {
  readonly owner: string
  readonly gone: Promise<void>
}

/**
 * Makes an empty registry. Idle conversations are stopped, unless a request is still running or somebody
 * listens.
 */
export function createRegistry<T extends Conversation>(limits: ConversationLimits): Registry<T> {
  const { total, perOwner, idleSeconds } = limits
  /** Least recently used first. */
  const entries = new Map<string, Entry<T>>()
  const leaving = new Set<Leaving>()

  const leave = ({ key, conversation, timer }: Entry<T>): void => {
    if (entries.get(key)?.conversation !== conversation) return
    clearTimeout(timer)
    entries.delete(key)
  }

  const stop = (entry: Entry<T>): Promise<void> => {
    leave(entry)
    const gone = entry.conversation.stop().finally(() => leaving.delete(left))
    const left = { owner: entry.owner, gone }
    leaving.add(left)
    return gone
  }

  const reap = (entry: Entry<T>): void => {
    const { conversation, timer } = entry
    if (!conversation.busy && !conversation.listened) return void stop(entry)
    entry.isOverdue = !conversation.busy
    timer.refresh()
    return undefined
  }

  const ownOf = (owner: string): number =>
    [...entries.values(), ...leaving].filter((one) => one.owner === owner).length

  const isFull = (owner: string): boolean => entries.size + leaving.size >= total || ownOf(owner) >= perOwner

  const refusal = (owner: string): Refusal => {
    const running = entries.size + leaving.size
    const reason = `${running} conversations with the server are running, ${ownOf(owner)} of them for this caller`
    return new Refusal('too_many_requests', { reason, retryAfterSeconds: 5 })
  }

  /**
   * Stops the conversation that `owner` needs least. One with a listener is protected for as long as one
   * without would be kept. During that time nobody loses one to another owner.
   */
  const makeRoom = (owner: string): Promise<void> => {
    const idle = [...entries.values()].filter(({ conversation }) => !conversation.busy)
    const own = idle.filter((entry) => entry.owner === owner)
    const spare =
      own.find(({ conversation }) => !conversation.listened) ??
      own.find(({ isOverdue }) => isOverdue) ??
      (ownOf(owner) < perOwner ? idle.find(({ isOverdue }) => isOverdue) : undefined)
    if (spare !== undefined) return stop(spare)
    const helps = [...leaving].find((one) => one.owner === owner || ownOf(owner) < perOwner)
    if (helps === undefined) throw refusal(owner)
    return helps.gone
  }

  const find = (key: string): T | undefined => {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    entry.timer.refresh()
    entry.isOverdue = false
    entries.delete(key)
    entries.set(key, entry)
    return entry.conversation
  }

  const checkRoom = (owner: string): void => {
    if (isFull(owner)) throw refusal(owner)
  }

  const open = (key: string, owner: string, start: StartUnder<T>): T => {
    checkRoom(owner)
    let entry: Entry<T> | undefined
    let closed = false
    const conversation = start(() => {
      closed = true
      if (entry !== undefined) leave(entry)
    })
    if (closed) return conversation
    const timer = setTimeout(() => entry && reap(entry), idleSeconds * 1000).unref()
    entry = { key, conversation, owner, timer, isOverdue: false }
    entries.set(key, entry)
    return conversation
  }

  return {
    find,
    open,
    async reach(key, owner, start) {
      for (;;) {
        const known = find(key)
        if (known !== undefined) return known
        if (!isFull(owner)) return open(key, owner, start)
        await makeRoom(owner)
      }
    },
    checkRoom,
    async stop(key) {
      const entry = entries.get(key)
      if (entry !== undefined) await stop(entry)
    },
    async close() {
      await Promise.all([
        ...[...entries.values()].map(({ conversation }) => conversation.stop()),
        ...[...leaving].map(({ gone }) => gone),
      ])
    },
  }
}
