import type { Fault } from '../faults.ts'
import type { Era } from '../lanes.ts'
import { writeMark } from '../marks.ts'
import {
  type Asked,
  acknowledge,
  answerTo,
  changeOf,
  eraOf,
  errorTo,
  type Message,
  openingOf,
  progressOf,
  readAsked,
  readStream,
  unknownMethod,
} from './answers.ts'

interface TalkOptions {
  /** The only era that the server supports. */
  readonly era: Era
  readonly notifySeconds: number
  readonly say: (message: string) => void
  /** Writes something that is not a message. */
  readonly makeNoise: () => void
  /** Whose a request is that claims to be a user's; somebody else if that is impossible. */
  readonly whoIs: (claimed: string) => string
  /** Who receives changes in a session that the gateway opened for itself, if known by now. */
  readonly owner: () => string | undefined
}

/**
 * The conversation with one client, or in the modern era many, of a server that sends all answers over one
 * channel.
 */
export interface Talk {
  hear(message: Message): void
  end(): void
}

const slowMilliseconds = 1200

/** Begins to answer, in any order. */
export function startTalk({ era, notifySeconds, say, makeNoise, whoIs, owner }: TalkOptions): Talk {
  const timers = new Map<unknown, NodeJS.Timeout>()
  let opened: Message | undefined

  const notify = (key: unknown, write: (place: number) => string | undefined): void => {
    let place = 0
    const send = (): void => {
      const text = write(place)
      if (text === undefined) return
      place++
      say(text)
    }
    send()
    timers.set(key, setInterval(send, notifySeconds * 1000))
  }

  /** In the legacy era, a session receives everything without asking. */
  const notifySession = (): void => {
    const stream = opened === undefined ? undefined : readStream(opened)
    if (stream?.stream === 0) return // it is only for requests
    notify('session', (place) => {
      const user = stream === undefined ? owner() : whoIs(stream.user)
      return user === undefined ? undefined : changeOf(writeMark(user, stream?.stream ?? 0, 'n', place))
    })
  }

  const listen = (message: Message): void => {
    const { id } = message
    say(acknowledge(id))
    const { user, stream } = readStream(message) ?? { user: 'stranger', stream: 0 }
    notify(id, (place) => changeOf(writeMark(whoIs(user), stream, 'n', place), id))
  }

  const cancel = (id: unknown): void => {
    clearInterval(timers.get(id))
    timers.delete(id)
  }

  const misbehave = (fault: Fault, asked: Asked, user: string): void => {
    if (fault === 'hang') return
    if (fault === 'error') return say(errorTo(asked, user))
    if (fault === 'crash') process.exit(1)
    if (fault === 'noise') makeNoise()
    const delay = fault === 'noise' ? 0 : slowMilliseconds
    setTimeout(() => say(answerTo(asked, user)), delay)
  }

  const answer = (asked: Asked): void => {
    const user = asked.era === era ? whoIs(asked.claimed) : 'stranger'
    const fault = asked.params.arguments?.fault
    if (fault !== undefined) return misbehave(fault, asked, user)
    if (asked.params.name !== 'progress') return say(answerTo(asked, user))
    say(progressOf(asked, user, 1))
    setTimeout(() => say(progressOf(asked, user, 2)), 5)
    setTimeout(() => say(answerTo(asked, user)), 10)
  }

  return {
    hear(message) {
      const { method } = message
      if (method === 'initialize' || method === 'server/discover') {
        opened = message
        return say(eraOf(message) === era ? openingOf(message) : unknownMethod(message))
      }
      if (method === 'notifications/initialized') return notifySession()
      if (method === 'notifications/cancelled') return cancel(message.params?.requestId)
      if (method === 'subscriptions/listen') return listen(message)
      if (message.id !== undefined && method !== undefined) answer(readAsked(message))
    },
    end: () => timers.forEach((timer) => clearInterval(timer)),
  }
}
