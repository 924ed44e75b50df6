import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type OpenedIssuer, openIssuers } from '../../src/compose/issuers.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { systemClock as clock } from '../../src/core/clock.ts'
import type { Log } from '../../src/telemetry/log.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts'

describe('the metadata of another issuer, at a start', () => {
  const suite = closeAfterTests()
  let other: TokenIssuer
  before(async () => {
    other = await startTokenIssuer(() => 'api')
    suite.after(() => other.close())
  })

  /** Opens it, and tells what it was asked for and what was said of it. */
  const open = async (setting: object, authorizationServer: string, known: readonly OpenedIssuer[] = []) => {
    const told: string[] = []
    const tell = (_: object, line: string): void => void told.push(line.slice(other.issuer.length))
    const log = { logger: { info: tell, warn: tell } } as unknown as Log
    const issuers = [{ issuer: other.issuer, audiences: ['api'], ...setting }]
    const config = loadConfig({ base: { issuers, authorizationServer } as ConfigInput })
    const asked = other.paths.length
    const opened = await openIssuers(config, { clock, log }, known)
    return { opened, told, asked: other.paths.slice(asked) }
  }

  it('is not asked for where its keys are named, and its clients are not those of MCP', async () => {
    const { told, asked } = await open({ jwksUri: `${other.issuer}/keys` }, 'own')
    assert.deepEqual([told, asked], [[], []])
  })

  it('is asked for once, and not again by each other configuration', async () => {
    const { opened, told, asked } = await open({}, 'own')
    assert.deepEqual(asked, ['/.well-known/openid-configuration'])
    assert.match(told.join('\n'), /^: PKCE with S256: no; /)
    const again = await open({}, 'own', opened)
    assert.deepEqual([again.told, again.asked], [[], []])
    assert.equal(again.opened[0], opened[0])
  })

  it('prevents the start where it cannot be trusted and is needed, and else is told', async () => {
    const { issuer } = other
    other.metadata = { issuer: 'https://evil.example' }
    const wrong = /names another issuer: "https:\/\/evil\.example"/
    await assert.rejects(open({}, 'own'), wrong)
    const { told } = await open({ jwksUri: `${issuer}/keys` }, 'external')
    assert.match(told.join('\n'), wrong)
    other.metadata = {}
  })
})
