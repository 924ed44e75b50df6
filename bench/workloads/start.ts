import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../../test/support/installation.ts'
import { untilAnswered } from '../harness/check-answers.ts'
import { pinning, startProcess } from '../harness/processes.ts'
import { portcullisDemo } from '../stacks/portcullis.ts'
import { stacks } from '../stacks/registry.ts'
import { plain, usualBytes } from './calls.ts'
import type { FreshWorkload } from './contract.ts'

const everyMilliseconds = 5

/** From the command to the first right answer, on all CPUs, as a user starts it. */
export const start: FreshWorkload = {
  needs: 'fresh process',
  id: 'start',
  title: 'From the command to the first right answer',
  note: 'On all CPUs. Portcullis makes its store and its keys each time.',
  stacks: [portcullisDemo, ...stacks],
  kind: plain,
  bytes: usualBytes,
  unit: 'start',
  figures: ['milliseconds'],
  async sample(stack, { bench }) {
    const setting = await bench.setting(plain)
    const [token = ''] = await bench.tokens('ES256', 1)
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const command = stack.prepare(setting, port)
    const began = performance.now()
    const process = startProcess(command, pinning.any, join(setting.folder, 'gate.log'))
    try {
      if (stack.readyAt === undefined) await untilAnswered(url, token, process.alive, everyMilliseconds)
      else await untilReady(url + stack.readyAt)
      return { values: { milliseconds: performance.now() - began }, errors: 0, outside: 0 }
    } finally {
      await process.end()
    }
  },
}

async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; attempt < 4000; attempt++) {
    if ((await statusOf(url)) === 200) return
    await pause(everyMilliseconds)
  }
  throw new Error(`${url} does not answer`)
}

/** 0 while nothing is listening. */
function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    }).once('error', () => resolve(0))
  })
}
