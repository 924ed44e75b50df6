import { ActionRefused, type Listing } from '../../admin/contract.ts'
import { type KeyState, keyState, tokenKeyPurposes } from '../../keys/key-states.ts'
import { type KeyLine, retireKey, rotateKeys } from '../../keys/rotate-keys.ts'
import type { ListingPorts } from './listing-ports.ts'
import { pageOf } from './select-page.ts'
import { writeTime } from './write-time.ts'

const actionsIn: Readonly<Record<KeyState, readonly string[]>> = {
  next: ['retire'],
  active: ['rotate', 'retire'],
  retired: ['retire'],
  gone: [],
}

/** The signing keys. */
export function keyListing({ store, clock, config }: ListingPorts): Listing {
  const lines = tokenKeyPurposes(config().tokens.signingAlgorithm).map(
    (purpose): KeyLine => ({ ...purpose, store: store.keys, clock }),
  )
  const lineOf = async (kid: string): Promise<KeyLine> => {
    for (const line of lines) {
      if ((await line.store.list(line.purpose)).some((key) => key.kid === kid)) return line
    }
    throw new ActionRefused('This key is not there any more.')
  }
  return {
    title: 'Keys',
    path: '/keys',
    about: 'Keys that sign access tokens, and identity tokens for MCP servers.',
    columns: ['Key', 'Signs', 'Algorithm', 'State', 'Signs from', 'Verifies until'],
    async rows(asked) {
      const listed = await Promise.all(
        lines.map(async ({ purpose, algorithm }) => {
          const keys = await store.keys.list(purpose)
          return keys.map((key) => {
            const state = keyState(key, keys, algorithm, clock.now())
            return {
              id: key.kid,
              cells: [
                key.kid,
                purpose === 'authorization-server' ? 'access tokens' : 'identity tokens',
                key.algorithm,
                state,
                writeTime(key.signsFrom),
                key.endsAt === undefined ? '—' : writeTime(key.endsAt),
              ],
              actions: actionsIn[state],
            }
          })
        }),
      )
      return pageOf(listed.flat(), asked, (row) => row)
    },
    actions: {
      rotate: {
        label: 'Rotate',
        consequence: 'A new key is published now and signs in ten minutes. Tokens stay good.',
        async act(kid) {
          const { key } = await rotateKeys(await lineOf(kid), 'after-notice')
          return `The key ${key.kid} is published and signs from ${writeTime(key.signsFrom)} UTC.`
        },
      },
      retire: {
        label: 'Retire',
        consequence: 'For a key that somebody else may have: what it signed counts no more, at once.',
        async act(kid) {
          if (!(await retireKey(await lineOf(kid), kid)))
            throw new ActionRefused('This key has ended already.')
          return `${kid} has ended, and another key signs.`
        },
      },
    },
  }
}
