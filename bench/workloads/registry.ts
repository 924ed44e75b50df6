import { eventBytes, eventCount, toolCall } from '../harness/messages.ts'
import { ownStacks } from '../stacks/registry.ts'
import { calls, usualBytes } from './calls.ts'
import type { Workload } from './contract.ts'
import { idleStreams } from './idle-streams.ts'
import { pacedEvents } from './paced-events.ts'
import { start } from './start.ts'
import { workers } from './workers.ts'

const kilobytes = 1000
const megabyte = 1_000_000

/** Everything that is measured, in the order of the tables. */
export function workloads(): readonly Workload[] {
  return [
    calls({ id: 'calls-32', title: 'tools/call of 231 B, 32 connections' }),
    calls({ id: 'calls-1', title: 'tools/call of 231 B, 1 connection', connections: 1 }),
    calls({ id: 'calls-256', title: 'tools/call of 231 B, 256 connections', connections: 256 }),
    calls({
      id: 'modern',
      title: 'The same call in the modern era (2026-07-28)',
      message: toolCall({ era: 'modern', bytes: 300 }),
    }),
    calls({
      id: 'session',
      title: 'The same call in a session of the legacy era',
      note: 'Portcullis opens its sealed session id for each request.',
      sessions: true,
    }),
    calls({ id: 'bytes-10k', title: 'Body of 10 KB', message: toolCall({ bytes: 10 * kilobytes }) }),
    calls({
      id: 'bytes-1m-text',
      title: 'Body of 1 MB, one text',
      message: toolCall({ bytes: megabyte }),
      connections: 8,
      tokens: 20,
    }),
    calls({
      id: 'bytes-1m-rows',
      title: 'Body of 1 MB, rows of small values',
      message: toolCall({ bytes: megabyte, filling: 'rows' }),
      connections: 8,
      tokens: 20,
    }),
    calls({
      id: 'events-burst',
      title: `Answers of ${eventCount} events at once`,
      message: toolCall({ tool: 'burst', bytes: usualBytes }),
      connections: 8,
      answer: { bytes: eventBytes(), events: eventCount },
    }),
    pacedEvents,
    calls({
      id: 'tokens-20000',
      title: 'tools/call of 231 B with 20,000 tokens in rotation',
      note: 'More than the cache of Portcullis holds: each token is verified each time.',
      tokens: 20_000,
    }),
    calls({
      id: 'rs256',
      title: 'Tokens signed with RS256',
      kind: { algorithm: 'RS256', tls: false },
    }),
    calls({ id: 'eddsa', title: 'Tokens signed with EdDSA', kind: { algorithm: 'EdDSA', tls: false } }),
    calls({ id: 'tls', title: 'Over TLS', kind: { algorithm: 'ES256', tls: true } }),
    calls({
      id: 'features',
      title: 'What each feature costs: tools/call of 231 B, 32 connections',
      stacks: ownStacks,
    }),
    idleStreams,
    start,
    workers(),
  ]
}
