import { watchCpu } from '../harness/cpu-watch.ts'
import type { Gate } from '../harness/gate.ts'
import { sendLoad } from '../harness/load.ts'
import { type Message, replyBytes, toolCall } from '../harness/messages.ts'
import type { Kind } from '../harness/open-bench.ts'
import { openSessions } from '../harness/open-sessions.ts'
import type { Stack } from '../stacks/contract.ts'
import { stacks as allStacks } from '../stacks/registry.ts'
import type { RunningWorkload, Sample, Tools } from './contract.ts'

/** The length of the call that most workloads send. */
export const usualBytes = 231
/** Users in rotation. */
export const usualTokens = 200
/** What most gates use: ES256 over plain HTTP. */
export const plain: Kind = { algorithm: 'ES256', tls: false }

interface Calls extends Pick<RunningWorkload, 'id' | 'title' | 'note'> {
  readonly connections?: number
  readonly tokens?: number
  readonly kind?: Kind
  readonly message?: Message
  readonly stacks?: readonly Stack[]
  /** Whether each user has a session at the server. */
  readonly sessions?: boolean
  /** Bytes of an answer, and how many events it consists of. */
  readonly answer?: { readonly bytes: number; readonly events: number }
}

/** Calls of one kind, sent by wrk as fast as they are answered. */
export function calls(options: Calls): RunningWorkload {
  const { id, title, note, kind = plain, connections = 32, tokens = usualTokens } = options
  const { message = toolCall({ bytes: usualBytes }), answer, stacks = allStacks } = options
  return {
    needs: 'running gate',
    id,
    title,
    ...(note === undefined ? {} : { note }),
    stacks,
    kind,
    bytes: message.body.length,
    unit: answer === undefined ? 'request' : 'event',
    figures: ['cpu', 'rate', 'p50', 'p99'],
    sample: async (gate, tools) => {
      const bearers = await bearersOf(gate, tools, { tokens, sessions: options.sessions ?? false })
      const load = { url: gate.url, message, tokens: bearers, connections, folder: tools.bench.folder }
      const stop = watchCpu(tools.bench, gate)
      const counted = await sendLoad({ ...load, seconds: tools.seconds })
      return summarise(counted, stop(), answer ?? { bytes: replyBytes, events: 1 })
    },
  }
}

async function bearersOf(
  gate: Gate,
  { bench }: Tools,
  { tokens, sessions }: { tokens: number; sessions: boolean },
): Promise<readonly string[]> {
  const list = await bench.tokens(gate.kind.algorithm, tokens)
  return sessions ? openSessions(gate, list) : list
}

function summarise(
  { requests, seconds, bytes, errors, p50, p99 }: Awaited<ReturnType<typeof sendLoad>>,
  { gate, outside }: { gate: number; outside: number },
  answer: { readonly bytes: number; readonly events: number },
): Sample {
  if (requests === 0) return { values: {}, errors: Math.max(1, errors), outside }
  const units = requests * answer.events
  // An answer that is too short is wrong, whatever its status.
  const short = bytes / requests < answer.bytes ? requests : 0
  return {
    values: { cpu: gate / units, rate: units / seconds, p50, p99 },
    errors: errors + short,
    outside,
  }
}
