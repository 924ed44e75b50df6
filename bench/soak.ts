/**
 * `npm run soak -- --minutes N`: a gateway with servers of every kind, under load and with faults for a long
 * time. Nothing may be lost, duplicated or delivered to the wrong user, no answer may hang, and memory must
 * stay flat; otherwise it exits with 1. Ctrl-C ends it early, with its table.
 * Options: --minutes N, --rate N (500 requests/s), --streams N (2000), --faults SHARE (0.01), --users N (50),
 * --token-seconds N (300), --response-seconds N (5), --notify-seconds N (10), --store postgres, --json FILE,
 * --sabotage swap,lose
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { orExplain } from '../test/support/command-line.ts'
import { endSession, openSession } from './soak/open-stream.ts'
import { checkOpenFiles, type Options, readOptions } from './soak/options.ts'
import { type Processes, startProcesses } from './soak/processes.ts'
import { type Findings, judge, renderReport, summarise } from './soak/report.ts'
import { type Requests, startRequests } from './soak/requests.ts'
import { createSampler, type Sample } from './soak/sampler.ts'
import { type Streams, startStreams } from './soak/streams.ts'
import { logIn, type Users } from './soak/users.ts'

const sampleMilliseconds = 10_000
/** By then, connections that were kept for further requests are closed. */
const restMilliseconds = 7000

const asked = orExplain(() => {
  const read = readOptions(process.argv.slice(2))
  checkOpenFiles(read)
  return read
})
process.exitCode = await soak(asked)

async function soak(options: Options): Promise<number> {
  const interrupted = firstSignal()
  const processes = await startProcesses(options)
  let failed = true
  try {
    const findings = await measure(options, processes, interrupted)
    const verdict = judge(findings)
    failed = verdict.failures.length > 0
    console.log(renderReport(findings, verdict))
    if (failed) console.log(`The log of the gate is in ${processes.log}`)
    if (options.json !== undefined)
      writeFileSync(options.json, JSON.stringify({ ...findings, verdict }, null, 1))
  } finally {
    await processes.stop(failed)
  }
  return failed ? 1 : 0
}

/** The first signal ends the run with its table, the second one ends it immediately. */
function firstSignal(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    let signals = 0
    const onSignal = (): void => (++signals > 1 ? process.exit(130) : resolve('interrupted'))
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  })
}

async function measure(
  options: Options,
  processes: Processes,
  interrupted: Promise<'interrupted'>,
): Promise<Findings> {
  const { url } = processes
  const sample = createSampler(processes)
  const idle = await sample()
  const users = await logIn(url, options.users, options.tokenSeconds)
  const withSession = users.all.filter(({ lane }) => lane.clients.includes('legacy'))
  for (const user of withSession) user.session = await openSession(user, 0)
  const streams = startStreams(users.all, options)
  users.onRefreshed = (user) => streams.renew(user)
  await Promise.race([streams.ready, interrupted])
  console.log(
    `${users.all.length} users are logged in and ${streams.open()} streams are open; ${options.minutes} minutes of ${options.rate} requests/s begin`,
  )

  const started = (await sample()).seconds
  const samples: Sample[] = []
  const take = async (): Promise<Sample> => {
    const taken = await sample()
    samples.push({ ...taken, seconds: Math.round((taken.seconds - started) * 10) / 10 })
    return samples.at(-1) as Sample
  }
  await take()
  const requests = startRequests(url, users.all, options)
  const began = performance.now()
  const rest = (): number => options.minutes * 60_000 - (performance.now() - began)
  let endedEarly = false
  let broken: string | undefined
  let sentBefore = 0
  while (rest() > 10 && !endedEarly && broken === undefined) {
    const { promise, cancel } = pause(Math.min(sampleMilliseconds, rest()))
    endedEarly = (await Promise.race([promise, interrupted])) === 'interrupted'
    cancel()
    try {
      const taken = await take()
      const since = samples.at(-2)?.seconds ?? 0
      const rate = (requests.counts.sent - sentBefore) / Math.max(0.1, taken.seconds - since)
      sentBefore = requests.counts.sent
      console.log(renderProgress(taken, { requests, streams, users, rate }))
    } catch (error) {
      broken = (error as Error).message
    }
  }
  const seconds = (performance.now() - began) / 1000
  await requests.stop()
  users.stop()
  streams.stop()
  for (const user of withSession) await endSession(user, user.session)
  await pause(restMilliseconds).promise
  return {
    options,
    seconds,
    endedEarly,
    broken,
    requests: requests.counts,
    latency: {
      json: summarise(requests.latency.json),
      stream: summarise(requests.latency.stream),
    },
    byLane: Object.fromEntries([...requests.byLane].map(([lane, times]) => [lane, summarise(times)])),
    streams: streams.counts,
    tokens: users.counts,
    samples,
    idle,
    rest: broken === undefined ? await sample() : undefined,
    logLines: readFileSync(processes.log, 'utf8').split('\n').length - 1,
  }
}

function pause(milliseconds: number): { readonly promise: Promise<void>; readonly cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, milliseconds)
  return { promise, cancel: () => clearTimeout(timer) }
}

interface Progress {
  readonly requests: Requests
  readonly streams: Streams
  readonly users: Users
  readonly rate: number
}

function renderProgress(sample: Sample, { requests, streams, users, rate }: Progress): string {
  const { counts, recent } = requests
  const at = (share: number): string => (recent.percentile(share) / 1000).toFixed(1)
  const bad = {
    lost: counts.lost,
    doubled: counts.doubled,
    crossed: counts.crossed + streams.counts.crossed,
    refused: Object.values(counts.refused).reduce((total, count) => total + count, 0),
    unexpected: counts.unexpected,
    'not sent': counts.unsent,
    'streams early': streams.counts.endedEarly,
    'streams silent': streams.counts.silent,
    'refreshes failed': users.counts.refreshFailed,
  }
  const troubles = Object.entries(bad).filter(([, count]) => count > 0)
  const whole = Math.round(sample.seconds)
  const minutes = String(Math.floor(whole / 60)).padStart(2, '0')
  const cells = [
    `${minutes}:${String(whole % 60).padStart(2, '0')}`,
    `${rate.toFixed(0)}/s`.padStart(6),
    `p50 ${at(50)} p99 ${at(99)} ms`.padEnd(22),
    `${streams.open()} streams`,
    `RSS ${sample.rssMegabytes.toFixed(0)} heap ${sample.heapMegabytes.toFixed(0)} MB`,
    `${sample.files} files`,
    `${sample.processes} processes`,
    `lag ${sample.lagMilliseconds.toFixed(0)} ms`,
    `CPU ${sample.cpuPercent.toFixed(0)} %`,
    troubles.length === 0 ? 'all well' : troubles.map(([what, count]) => `${count} ${what}`).join(', '),
  ]
  recent.reset()
  return cells.join('  ')
}
