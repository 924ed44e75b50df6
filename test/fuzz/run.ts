/**
 * `npm run fuzz`: reads random texts as the gateway reads bodies, and compares with two other readers. Exits with 1 at
 * the first that is read otherwise. Options: --inputs N (10,000,000), --seed N (random)
 */
import { randomInt } from 'node:crypto'
import { orExplain, readFlags, readWhole } from '../support/command-line.ts'
import { judgeReader } from './judge-reader.ts'
import { randomFrom, randomText } from './random-text.ts'

// Most inputs are refused, and nobody looks at where.
Error.stackTraceLimit = 0

const { inputs, seed } = orExplain(() => {
  const flags = readFlags({ inputs: { type: 'string', default: '10000000' }, seed: { type: 'string' } })
  return {
    inputs: readWhole('inputs', flags.inputs),
    seed: flags.seed === undefined ? randomInt(2 ** 31) : readWhole('seed', flags.seed, 0),
  }
})
const random = randomFrom(seed)
const began = performance.now()
const step = 100_000

process.stdout.write(`${inputs} inputs, seed ${seed}\n`)
for (let count = 1; count <= inputs; count++) {
  const text = randomText(random)
  const problem = judgeReader(text)
  if (problem !== undefined) {
    process.stdout.write(`\n${problem} (input ${count} of seed ${seed}):\n${JSON.stringify(text)}\n`)
    process.exit(1)
  }
  if (count % step === 0 || count === inputs) {
    const rate = (count / (performance.now() - began)) * 1000
    process.stdout.write(
      `\r${count} of ${inputs}, ${rate.toFixed(0)} a second, ${((inputs - count) / rate).toFixed(0)} s left `,
    )
  }
}
process.stdout.write('\nall are read alike\n')
