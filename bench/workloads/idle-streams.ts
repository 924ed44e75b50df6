import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { watchCpu } from '../harness/cpu-watch.ts'
import { type Gate, startGate } from '../harness/gate.ts'
import { listen } from '../harness/messages.ts'
import { send } from '../harness/send.ts'
import { childrenOf, residentKiB } from '../process-usage.ts'
import { stacks } from '../stacks/registry.ts'
import { plain, usualTokens } from './calls.ts'
import type { FreshWorkload } from './contract.ts'

const message = listen()
const warmUpStreams = 100
const atATime = 50
const settleMilliseconds = 1000

/** The cost of an idle stream: growth of resident memory in a separate process. */
export const idleStreams: FreshWorkload = {
  needs: 'fresh process',
  id: 'streams-idle',
  title: 'Open streams on which nothing happens',
  note: 'Growth of resident memory, of a process of its own each time, garbage included.',
  stacks,
  kind: plain,
  bytes: message.body.length,
  unit: 'stream',
  figures: ['memory'],
  async sample(stack, { bench, idleStreams: count }) {
    const gate = await startGate(bench, stack, plain)
    const tokens = await bench.tokens('ES256', usualTokens)
    const open = (streams: number): Promise<IncomingMessage[]> => openStreams(gate.url, tokens, streams)
    try {
      for (const stream of await open(warmUpStreams)) stream.destroy()
      await pause(settleMilliseconds)
      const before = residentOf(gate)
      const stop = watchCpu(bench, gate)
      const streams = await open(count)
      await pause(settleMilliseconds)
      const memory = (residentOf(gate) - before) / count
      const errors = streams.filter((stream) => stream.statusCode !== 200 || stream.closed).length
      for (const stream of streams) stream.destroy()
      return { values: { memory }, errors, outside: stop().outside }
    } finally {
      await gate.process.end()
    }
  },
}

/** Resident memory of a gate's processes, in KiB. */
function residentOf({ process: { pid } }: Gate): number {
  return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + residentKiB(one), 0)
}

/** Opens streams in batches, and waits for the first event of each. */
async function openStreams(
  url: string,
  tokens: readonly string[],
  count: number,
): Promise<IncomingMessage[]> {
  const streams: IncomingMessage[] = []
  let next = 0
  const openSome = async (): Promise<void> => {
    while (next < count) {
      const token = tokens[next++ % tokens.length] ?? ''
      const stream = await send(url, message, { token })
      stream.on('error', () => {}) // it is counted as closed
      await once(stream, 'data')
      streams.push(stream)
    }
  }
  await Promise.all(Array.from({ length: atATime }, openSome))
  return streams
}
