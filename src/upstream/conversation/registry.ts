import { Refusal } from '../../core/errors.ts'
import type { Conversation } from './contract.ts'

/** How many conversations there may be, and how long one is kept that nobody uses. */
export interface ConversationLimits {
  readonly total: number
  readonly perOwner: number
  readonly idleSeconds: number
}

/** The running conversations with one server, by key. */
export interface Registry<T extends Conversation> {
  /** The conversation of a key, which counts as used by this. */
  find(key: string): T | undefined
  /** Starts one under a key. Throws `too_many_requests` when this owner, or all together, have too many. */
  open(key: string, owner: string, start: (onClosed: () => void) => T): T
  readonly size: number
  close(): Promise<void>
}

interface Entry<T> {
  readonly conversation: T
  readonly owner: string
  readonly timer: NodeJS.Timeout
}

/** Makes an empty registry. What is idle is stopped, unless one of its requests still runs. */
export function createRegistry<T extends Conversation>(limits: ConversationLimits): Registry<T> {
  const { total, perOwner, idleSeconds } = limits
  const entries = new Map<string, Entry<T>>()

  const leave = (key: string, conversation: T): void => {
    const entry = entries.get(key)
    if (entry?.conversation !== conversation) return
    clearTimeout(entry.timer)
    entries.delete(key)
  }

  return {
    find(key) {
      const entry = entries.get(key)
      entry?.timer.refresh()
      return entry?.conversation
    },
    open(key, owner, start) {
      const own = [...entries.values()].filter((entry) => entry.owner === owner).length
      if (entries.size >= total || own >= perOwner) {
        const reason = `${entries.size} conversations with the server are running, ${own} of them for this caller`
        throw new Refusal('too_many_requests', { reason, retryAfterSeconds: 5 })
      }
      let closed = false
      const conversation = start(() => {
        closed = true
        leave(key, conversation)
      })
      const reap = (): void => {
        if (conversation.busy) entry.timer.refresh()
        else {
          leave(key, conversation)
          void conversation.stop()
        }
      }
      const entry: Entry<T> = { conversation, owner, timer: setTimeout(reap, idleSeconds * 1000).unref() }
      if (!closed) entries.set(key, entry)
      return conversation
    },
    get size() {
      return entries.size
    },
    async close() {
      await Promise.all([...entries.values()].map(({ conversation }) => conversation.stop()))
    },
  }
}
