import { it } from 'node:test'
import { scrub } from '../../src/telemetry/scrub.ts'

it('secrets are looked for in linear time, in whatever a caller sends: another time would have no end here (A36)', () => {
  const spaces = ' '.repeat(4090)
  for (const text of [spaces, `=${spaces}`, `token=${spaces}`])
    for (let count = 0; count < 5000; count++) scrub(text)
})
