import type { RecordableHistogram } from 'node:perf_hooks'
import { type Fault, faults } from './faults.ts'
import { floorOf, growthRule, judgeGrowth, type Trend } from './growth.ts'
import { lanes, usersOf } from './lanes.ts'
import type { Options } from './options.ts'
import type { RequestCounts } from './requests.ts'
import type { Sample } from './sampler.ts'
import type { StreamCounts } from './streams.ts'
import type { Users } from './users.ts'

/** All results of a run. */
export interface Findings {
  readonly options: Options
  readonly seconds: number
  readonly endedEarly: boolean
  /** Why the run could not continue. */
  readonly broken: string | undefined
  readonly requests: RequestCounts
  readonly latency: Readonly<Record<'json' | 'stream', Latency>>
  /** Of JSON answers, by server. */
  readonly byLane: Readonly<Record<string, Latency>>
  readonly streams: StreamCounts
  readonly tokens: Users['counts']
  readonly samples: readonly Sample[]
  /** The gateway before there were any users, and after all had left. */
  readonly idle: Sample
  readonly rest: Sample | undefined
  readonly logLines: number
}

/** Milliseconds. */
interface Latency {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** The conclusion of a run. */
export interface Verdict {
  readonly trends: Readonly<Record<'rss' | 'heap' | 'files' | 'processes', Trend>>
  /** What must not have happened. Empty if all is well. */
  readonly failures: readonly string[]
}

/** The latencies of a histogram in microseconds. */
export function summarise(histogram: RecordableHistogram): Latency {
  const at = (share: number): number => histogram.percentile(share) / 1000
  const { count } = histogram
  return { count, p50: at(50), p99: at(99), p999: at(99.9), max: histogram.max / 1000 }
}

const memorySlack = 8
/** With few requests, garbage is collected every two minutes. */
const heapPoints = 12
/** The heap returns pages every few minutes: six minutes include several of these waves. */
const rssPoints = 36
const filesSlack = 100
const mostExamples = 5
const leftFiles = 30
const processesSlack = 6
/**
 * Pipes of a stdio server, and the streams of a session that the gateway keeps for users of the modern era.
 */
const filesOfProcess = 4
const filesOfUser = 2

/** Decides whether all is well. */
export function judge(findings: Findings): Verdict {
  const { requests, streams, tokens, samples, broken, idle, rest } = findings
  const points = (of: keyof Sample) =>
    samples.map((sample) => ({ seconds: sample.seconds, value: sample[of] }))
  const trends = {
    rss: judgeGrowth(points('rssMegabytes'), memorySlack, rssPoints),
    heap: judgeGrowth(floorOf(points('heapMegabytes'), heapPoints), memorySlack),
    files: judgeGrowth(points('files'), filesSlack),
    processes: judgeGrowth(points('processes'), processesSlack),
  }
  const counted = {
    'answers lost': requests.lost,
    'answers doubled': requests.doubled,
    'answers crossed': requests.crossed,
    'requests refused without a fault': sum(requests.refused),
    'faults answered as they may not be': requests.unexpected,
    'messages on streams crossed': streams.crossed,
    'messages on streams lost': streams.lost,
    'messages on streams doubled': streams.doubled,
    'streams that fell silent': streams.silent,
    'streams that ended before time': streams.endedEarly,
    'streams that outlived their token': streams.outlived,
    'streams that were refused': sum(streams.refused),
    'refreshes that failed': tokens.refreshFailed,
  }
  const failures = Object.entries(counted)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what}: ${count}`)
  const names = {
    rss: 'RSS',
    heap: 'the heap',
    files: 'the number of open files',
    processes: 'the number of processes',
  } as const
  for (const name of ['rss', 'heap', 'files', 'processes'] as const)
    if (trends[name].grew === true) failures.push(`${names[name]} grew`)
  const left = (rest?.files ?? 0) - idle.files
  if (left > leftFiles + keptFiles(findings)) failures.push(`files left open: ${left}`)
  if (broken !== undefined) failures.unshift(broken)
  return { trends, failures }
}

/** What the gateway keeps for a while for users of the modern era, who never say that they leave. */
function keptFiles({ options, rest }: Findings): number {
  const kept = lanes.filter(({ era, clients }) => era === 'legacy' && clients.includes('modern'))
  const users = kept.reduce((total, lane) => total + usersOf(lane, options), 0)
  return (rest?.processes ?? 0) * filesOfProcess + users * filesOfUser
}

/** Writes the table at the end. */
export function renderReport(findings: Findings, { trends, failures }: Verdict): string {
  const { options, seconds, requests, streams, tokens, latency, samples, idle, rest } = findings
  const row = (name: string, ...cells: readonly unknown[]): string =>
    `  ${name.padEnd(24)}${cells.join('  ')}`
  const ms = ({ p50, p99, p999, max }: Latency): string =>
    `p50 ${p50.toFixed(1)}  p99 ${p99.toFixed(1)}  p99.9 ${p999.toFixed(1)}  max ${max.toFixed(1)} ms`
  const lines = [
    '',
    `Requests, ${seconds.toFixed(0)} s${findings.endedEarly ? ' (ended early)' : ''}`,
    row('sent', requests.sent, `${(requests.sent / seconds).toFixed(1)}/s of ${options.rate}/s`),
    row('not sent in time', requests.unsent),
    row('answered', requests.answered),
    row('latency, JSON', ms(latency.json)),
    row('latency, event stream', ms(latency.stream), '(10 ms of it at the server)'),
    row('lost', requests.lost),
    row('doubled', requests.doubled),
    row('crossed', requests.crossed),
    row('refused', list(requests.refused)),
    '',
    'JSON answers by server, and messages on streams',
    ...Object.entries(findings.byLane).map(([lane, times]) =>
      row(lane, String(times.count).padEnd(8), ms(times).padEnd(58), streams.heard[lane] ?? 0),
    ),
    '',
    'Faults that were provoked, and how they were answered',
    ...(Object.keys(faults) as Fault[]).map((fault) => {
      const ways = requests.faults[fault] ?? {}
      return row(fault, String(sum(ways)).padEnd(6), list(ways))
    }),
    row('otherwise than they may', requests.unexpected),
    ...requests.examples.slice(0, mostExamples).map((example) => `  ${JSON.stringify(example)}`),
    '',
    'Streams',
    row('opened', streams.opened),
    row('messages', streams.messages),
    row('crossed, lost, doubled', `${streams.crossed}, ${streams.lost}, ${streams.doubled}`),
    row('silent', streams.silent),
    row('ended with their token', streams.endedWithToken),
    row('closed by the client', streams.closed),
    row('ended before time', streams.endedEarly),
    row('outlived their token', streams.outlived),
    row('refused', list(streams.refused)),
    '',
    row('tokens refreshed', tokens.refreshed, `${tokens.refreshFailed} failed`),
    row('lines in the log', findings.logLines),
    '',
    'The gate by the minute',
    '  minute   RSS MB  heap MB   files  processes  handles  lag p99 ms  CPU %',
    ...atMinutes(samples).map(renderSample),
    row('files open', `${idle.files} before, ${rest?.files ?? '?'} when all had left`),
    row('processes', `${idle.processes} before, ${rest?.processes ?? '?'} when all had left`),
    '',
    `Growth: ${growthRule} (${memorySlack} MB, ${filesSlack} files, ${processesSlack} processes)`,
    ...Object.entries(trends).map(([name, trend]) => row(name, renderTrend(trend))),
    '',
    failures.length === 0
      ? `Verdict: good: nothing was lost, doubled, crossed or refused${trends.rss.grew === undefined ? '; the run was too short to tell whether RSS grows' : ', and memory is flat'}.`
      : `Verdict: bad: ${failures.join('; ')}.`,
  ]
  return lines.map((line) => line.trimEnd()).join('\n')
}

function renderTrend({ grew, first, last, climb }: Trend): string {
  const word = grew === undefined ? 'too short to tell' : grew ? 'grew' : 'flat'
  return `${word}: median ${first.toFixed(1)} -> ${last.toFixed(1)}, the line climbs ${climb.toFixed(1)}`
}

function atMinutes(samples: readonly Sample[]): Sample[] {
  const marks = samples.filter(
    ({ seconds }, index) =>
      index === 0 || minuteOf(seconds) > minuteOf((samples[index - 1] as Sample).seconds),
  )
  const last = samples.at(-1)
  return last === undefined || marks.includes(last) ? marks : [...marks, last]
}

function minuteOf(seconds: number): number {
  return Math.floor(Math.round(seconds) / 60)
}

function renderSample(sample: Sample): string {
  const cells: readonly [string, number][] = [
    [(sample.seconds / 60).toFixed(1), 8],
    [sample.rssMegabytes.toFixed(0), 9],
    [sample.heapMegabytes.toFixed(0), 9],
    [String(sample.files), 8],
    [String(sample.processes), 11],
    [String(sample.handles), 9],
    [sample.lagMilliseconds.toFixed(1), 12],
    [sample.cpuPercent.toFixed(0), 7],
  ]
  return cells.map(([text, width]) => text.padStart(width)).join('')
}

function list(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts)
  return entries.length === 0 ? 'none' : entries.map(([key, count]) => `${key}: ${count}`).join(', ')
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}
