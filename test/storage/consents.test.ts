import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { masterSecret } from '../../src/core/secret.ts'
import type { Store } from '../../src/storage/contract.ts'
import { openStore } from '../../src/storage/open.ts'
import { movableClock } from '../support/movable-clock.ts'
import { consentContract } from './consents.ts'

const clock = movableClock()
const secret = masterSecret(new Uint8Array(32).fill(1))

let folder: string
let store: Store
let other: Store
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-consents-'))
  store = await openStore({ folder, secret, clock })
  other = await openStore({ folder, secret, clock, tenant: 'other' })
})
after(async () => {
  await store.close()
  await other.close()
  await rm(folder, { recursive: true })
})

describe('SQLite', () => {
  consentContract({ store: () => store, other: () => other }, clock)
})
