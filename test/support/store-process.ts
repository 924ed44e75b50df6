import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { StoreOrder } from '../fixtures/store-process.ts'

/** Another process on the same store. */
export interface StoreProcess {
  /** Gives an order and resolves with its result. One order at a time. */
  ask(order: StoreOrder): Promise<unknown>
}

/** Starts a process that ends with the test at the latest. */
export async function startStoreProcess(test: TestContext): Promise<StoreProcess> {
  const child: ChildProcess = fork(join(import.meta.dirname, '../fixtures/store-process.ts'))
  test.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  return {
    async ask(order) {
      const answered = once(child, order.do === 'close' ? 'exit' : 'message')
      child.send(order)
      const [answer] = (await answered) as [{ result?: unknown; error?: string }]
      if (order.do !== 'close' && answer.error !== undefined) throw new Error(answer.error)
      return order.do === 'close' ? undefined : answer.result
    },
  }
}
