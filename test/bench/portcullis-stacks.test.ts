import { after, before, describe, it } from 'node:test'
import { startGate } from '../../bench/harness/gate.ts'
import { type Bench, openBench } from '../../bench/harness/open-bench.ts'
import type { Stack } from '../../bench/stacks/contract.ts'
import { portcullis, reducedPortcullis } from '../../bench/stacks/portcullis.ts'

let bench: Bench
before(async () => {
  bench = await openBench()
})
after(() => bench.close())

describe('the gates that the benchmark measures', () => {
  for (const stack of [portcullis, reducedPortcullis.at(-1) as Stack]) {
    it(`${stack.name} starts with its configuration, and answers right`, async () => {
      const gate = await startGate(bench, stack, { algorithm: 'ES256', tls: false })
      await gate.process.end()
    })
  }
  it('Portcullis does so with TLS, and with the keys of each algorithm', async () => {
    for (const algorithm of ['RS256', 'EdDSA'] as const) {
      const gate = await startGate(bench, portcullis, { algorithm, tls: true })
      await gate.process.end()
    }
  })
})
