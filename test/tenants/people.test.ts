import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { portcullis } from '../support/command.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { goodPassword } from '../support/people.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { until } from '../support/until.ts'

const names = ['acme', 'globex'] as const

describe('the people of tenants', { timeout: 120_000 }, () => {
  let gate: ServedFile
  const suite = closeAfterTests()
  const at = (tenant: string): string => `${gate.url}/t/${tenant}`
  const linkOf = (tenant: string): string =>
    new RegExp(`${at(tenant)}/setup/[\\w-]{43}`).exec(gate.started.output())?.[0] ??
    assert.fail(`no link for ${tenant}`)
  const choose = (link: string): Promise<FormBrowser> => {
    const browser = new FormBrowser({ fill: { name: 'ada', password: goodPassword, repeated: goodPassword } })
    return browser.visit(link).then(() => browser)
  }
  const signIn = (tenant: string): Promise<{ readonly code: string }> =>
    new OAuthClient(at(tenant)).authorize(
      { scope: 'mcp:*' },
      new FormBrowser({ fill: { username: 'ada', name: 'ada', password: goodPassword } }),
    )

  before(async () => {
    const upstreams: ConfigInput['upstreams'] = [
      { name: 'none', path: '/mcp', url: 'http://127.0.0.1:9/mcp' },
    ]
    const login = { users: 'local' } as const
    gate = await serveFile(suite, {
      upstreams,
      login,
      tenants: names.map((name) => ({ name, clients: testClients, upstreams, login })),
    })
  })

  it('are first made on a link of each, which is of no use to another', async () => {
    const hint = /There are no users of globex yet.*user add NAME --tenant globex/s
    await until(() => hint.test(gate.started.output()), 'it prints a hint')
    const token = linkOf('acme').split('/').at(-1) as string
    for (const elsewhere of [at('globex'), gate.url]) {
      const { status } = await new FormBrowser().open(`${elsewhere}/setup/${token}`)
      assert.equal(status, 400, elsewhere)
    }
    await choose(linkOf('acme'))
    assert.ok((await signIn('acme')).code)
    await assert.rejects(signIn('globex'))
  })

  it('are managed one tenant at a time', async () => {
    const list = async (...flags: string[]): Promise<string> => {
      const { code, stdout, stderr } = await portcullis(['user', 'list', '-c', gate.file, ...flags])
      assert.equal(code, 0, stderr)
      return stdout
    }
    assert.match(await list('--tenant', 'acme'), /\bada\b/)
    assert.doesNotMatch((await list('--tenant', 'globex')) + (await list()), /\bada\b/)
    const { code } = await portcullis(['user', 'disable', 'ada', '-c', gate.file, '--tenant', 'globex'])
    assert.notEqual(code, 0)
    const invited = await portcullis(['user', 'invite', 'bob', '-c', gate.file, '--tenant', 'globex'])
    assert.ok(invited.stdout.includes(`${at('globex')}/setup/`), invited.stdout + invited.stderr)
  })
})
