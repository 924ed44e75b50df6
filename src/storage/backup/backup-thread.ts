import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { StoreUnusable } from '../store-unusable.ts'
import {
  type Copying,
  copyToBackup,
  type Opening,
  turnIntoStore,
  type WrittenSecret,
} from './backup-content.ts'

type Task = { readonly copying: Copying } | { readonly opening: Opening }

/** Errors lose their class on their way between threads. */
type Outcome = { readonly done: WrittenSecret } | { readonly unusable: string }

/**
 * Does what takes an embedded store of gigabytes minutes in a thread of its own, so that this one hears meanwhile that
 * it is to stop. Resolves to the secret of the backup. Throws StoreUnusable.
 */
export async function inThread(task: Task): Promise<WrittenSecret> {
  const thread = new Worker(new URL(import.meta.url), { workerData: { task }, execArgv: [] })
  const [outcome] = (await once(thread, 'message')) as [Outcome]
  await thread.terminate()
  if ('unusable' in outcome) throw new StoreUnusable(outcome.unusable)
  return outcome.done
}

async function perform(task: Task): Promise<Outcome> {
  try {
    if ('opening' in task) return { done: await turnIntoStore(task.opening) }
    await copyToBackup(task.copying)
    return { done: task.copying.secret }
  } catch (error) {
    if (error instanceof StoreUnusable) return { unusable: error.message }
    throw error
  }
}

if (!isMainThread && workerData?.task !== undefined)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
  parentPort?.postMessage(await perform(workerData.task))
