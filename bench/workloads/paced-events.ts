import { countEvents } from '../harness/count-events.ts'
import { watchCpu } from '../harness/cpu-watch.ts'
import { eventCount, toolCall } from '../harness/messages.ts'
import { send } from '../harness/send.ts'
import { stacks } from '../stacks/registry.ts'
import { plain, usualBytes } from './calls.ts'
import type { RunningWorkload } from './contract.ts'

const streams = 20

/** Answers of 1,000 events, sent a millisecond apart. */
export const pacedEvents: RunningWorkload = {
  needs: 'running gate',
  id: 'events-paced',
  title: `Answers of ${eventCount} events, one a millisecond, ${streams} at a time`,
  stacks,
  kind: plain,
  bytes: usualBytes,
  unit: 'event',
  figures: ['cpu', 'rate'],
  async sample(gate, { bench }) {
    const message = toolCall({ tool: 'paced', bytes: usualBytes })
    const tokens = await bench.tokens(gate.kind.algorithm, streams)
    const stop = watchCpu(bench, gate)
    const began = performance.now()
    const counts = await Promise.all(
      tokens.map(async (token) =>
        countEvents((await send(gate.url, message, { token })).setEncoding('latin1')),
      ),
    )
    const seconds = (performance.now() - began) / 1000
    const { gate: cpu, outside } = stop()
    const events = counts.reduce((sum, count) => sum + count, 0)
    return {
      values: { cpu: cpu / events, rate: events / seconds },
      errors: counts.filter((count) => count !== eventCount).length,
      outside,
    }
  },
}
