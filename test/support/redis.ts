import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { findProgram } from './find-program.ts'
import { freePort } from './installation.ts'
import { type ServingProgram, startProgram } from './program.ts'

/** A real Redis, which stores nothing on disk. */
export interface TestRedis {
  readonly url: string
  /** The password, which must not be visible anywhere. */
  readonly password: string
  /** The names of all keys. */
  keys(): Promise<string[]>
  stop(): Promise<void>
  /** Restarts it at the same address, empty. */
  start(): Promise<void>
  /** Makes it the replica of a server that does not exist, so that it can be read but not written. */
  demote(): Promise<void>
  /** Suspends it, so that it neither accepts nor answers anything, and resumes it. */
  freeze(): void
  thaw(): void
}

/**
 * Starts a Redis for this process, from REDIS_BIN (a folder), the system, or Debian, which root can install.
 * Throws if none is available: a test that needs Redis is never skipped.
 */
export async function startRedis(password = randomBytes(16).toString('hex')): Promise<TestRedis> {
  const program = await findProgram('redis-server')
  const port = await freePort()
  const url = `redis://:${password}@127.0.0.1:${port}/0`
  let running: ServingProgram
  const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no', requirepass: password }
  const start = async (): Promise<void> => {
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
    running = await startProgram([program, ...args], { name: 'Redis', attempt: () => ping(url) })
  }
  await start()
  return {
    url,
    password,
    start,
    async keys() {
      const client = new Redis(url)
      try {
        return await client.keys('*')
      } finally {
        client.disconnect()
      }
    },
    async demote() {
      const client = new Redis(url)
      try {
        await client.replicaof('127.0.0.1', 1)
      } finally {
        client.disconnect()
      }
    },
    stop: () => running.stop(),
    freeze: () => void running.process.kill('SIGSTOP'),
    thaw: () => void running.process.kill('SIGCONT'),
  }
}

async function ping(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => undefined) // it has not started yet
  try {
    await client.connect()
    await client.ping()
  } finally {
    client.disconnect()
  }
}
