/** The stdio server of the soak test: `node stdio.ts legacy|modern NOTIFY_SECONDS isolated|shared`. */
import { createInterface } from 'node:readline'
import type { Era } from '../lanes.ts'
import type { Message } from './answers.ts'
import { startTalk } from './talk.ts'

const [era, notifySeconds, principals] = process.argv.slice(2)
/** The user of the process: the first one to use it. Nobody else may. */
let owner: string | undefined

const talk = startTalk({
  era: era as Era,
  notifySeconds: Number(notifySeconds),
  say: (message) => process.stdout.write(`${message}\n`),
  makeNoise() {
    process.stdout.write('this is no message\n')
    process.stderr.write('and this is none either\n')
  },
  whoIs(claimed) {
    if (principals === 'shared') return claimed
    owner ??= claimed
    return owner === claimed ? claimed : 'stranger'
  },
  owner: () => owner,
})

createInterface({ input: process.stdin })
  .on('line', (line) => talk.hear(JSON.parse(line) as Message))
  .once('close', () => process.exit())
