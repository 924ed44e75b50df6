/**
 * `npm run bench:profile`: where the gateway spends its time under the load of a workload. Leaves a CPU
 * profile, which Chrome's developer tools can open, and a flame graph; prints the functions with the most
 * self time.
 * Options: --workload ID (calls-32), --seconds N (5), --top N (30), --out FOLDER (bench-profile)
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OptionsWrong, orExplain, readFlags, readNumber, readWhole } from '../test/support/command-line.ts'
import { freePort } from '../test/support/installation.ts'
import { startGate } from './harness/gate.ts'
import { install } from './harness/install.ts'
import { openBench } from './harness/open-bench.ts'
import { buildCallTree } from './profile/call-tree.ts'
import { drawFlameGraph } from './profile/flame-graph.ts'
import { openProfiler } from './profile/profiler.ts'
import { renderSelfTimes } from './profile/self-times.ts'
import type { Stack } from './stacks/contract.ts'
import { portcullis } from './stacks/portcullis.ts'
import { workloads } from './workloads/registry.ts'

const warmUpSeconds = 3

const { workload, seconds, top, out } = orExplain(() => {
  const flags = readFlags({
    workload: { type: 'string', default: 'calls-32' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '30' },
    out: { type: 'string', default: 'bench-profile' },
  })
  const profiled = workloads().filter(({ needs }) => needs === 'running gate')
  const found = profiled.find(({ id }) => id === flags.workload)
  if (found?.needs !== 'running gate')
    throw new OptionsWrong(`--workload must be one of ${profiled.map(({ id }) => id).join(', ')}`)
  return {
    workload: found,
    seconds: readNumber('seconds', flags.seconds, 0.1, 3600),
    top: readWhole('top', flags.top),
    out: flags.out,
  }
})

install()
const bench = await openBench()
const inspectorPort = await freePort()
const gate = await startGate(bench, inspected(portcullis, inspectorPort), workload.kind)
try {
  const tools = { bench, idleStreams: 0 }
  await workload.sample(gate, { ...tools, seconds: warmUpSeconds })
  const profiler = await openProfiler(inspectorPort)
  await profiler.start()
  const sample = await workload.sample(gate, { ...tools, seconds })
  const profile = await profiler.stop()
  const tree = buildCallTree(profile)
  const name = join(out, `portcullis-${workload.id}`)
  mkdirSync(out, { recursive: true })
  writeFileSync(`${name}.cpuprofile`, JSON.stringify(profile))
  writeFileSync(`${name}.svg`, drawFlameGraph(tree, workload.title))
  console.log(renderSelfTimes(tree, top))
  console.log(
    `${workload.title}: ${sample.values.cpu?.toFixed(1)} µs of CPU for each ${workload.unit}, profiler included; ${sample.errors} wrong answers`,
  )
  console.log(`${name}.cpuprofile and ${name}.svg`)
} finally {
  await gate.process.end()
  await bench.close()
}

/** The stack with Node's inspector on a loopback port. */
function inspected(stack: Stack, port: number): Stack {
  return {
    ...stack,
    prepare(setting, gatePort) {
      const { args, ...command } = stack.prepare(setting, gatePort)
      return { ...command, args: [`--inspect=127.0.0.1:${port}`, ...args] }
    },
  }
}
