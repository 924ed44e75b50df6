import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pathOf } from './install.ts'
import type { Message } from './messages.ts'
import { pinning } from './processes.ts'
import { headersFor } from './send.ts'

/** What wrk sends, and for how long. */
export interface Load {
  readonly url: string
  readonly message: Message
  /** A token, followed by a space and a session if it has one. */
  readonly tokens: readonly string[]
  readonly connections: number
  readonly seconds: number
  /** A folder for the files that wrk reads. */
  readonly folder: string
}

/** What wrk counted. Latencies in microseconds. */
export interface Counted {
  readonly requests: number
  readonly seconds: number
  readonly bytes: number
  readonly errors: number
  readonly p50: number
  readonly p99: number
}

const run = promisify(execFile)

/** Sends one message repeatedly on a number of connections, with one token after another. */
export async function sendLoad({
  url,
  message,
  tokens,
  connections,
  seconds,
  folder,
}: Load): Promise<Counted> {
  const [messageFile, tokenFile] = [join(folder, 'message'), join(folder, 'tokens')]
  const head = Object.entries(headersFor(message, '')).map(([name, value]) => `${name}: ${value}\n`)
  writeFileSync(messageFile, `${head.join('')}\n${message.body}`)
  writeFileSync(tokenFile, `${tokens.join('\n')}\n`)
  const script = join(import.meta.dirname, 'load.lua')
  const flags = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '10s', '-s', script]
  const { stdout } = await run('taskset', ['-c', pinning.load, pathOf('wrk'), ...flags, url], {
    env: { ...process.env, MESSAGE: messageFile, TOKENS: tokenFile },
  })
  const [requests = 0, duration = 0, bytes = 0, errors = 0, p50 = 0, p99 = 0] = (
    /RESULT (.*)/.exec(stdout)?.[1] ?? ''
  )
    .split(' ')
    .map(Number)
  return { requests, seconds: duration / 1e6, bytes, errors, p50, p99 }
}
