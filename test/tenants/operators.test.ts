import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { portcullis } from '../support/command.ts'
import { type DashboardVisitor, openDashboard } from '../support/dashboard-visitor.ts'
import { post } from '../support/era-calls.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { testClients } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { type SpyUpstream, startSpyUpstream } from '../support/spy-upstream.ts'

const list = legacyRequest('tools/list')
const names = ['acme', 'globex'] as const

for (const args of [[], ['--workers', '2']]) {
  describe(`an operator of tenants ${args.join(' ')}`, { timeout: 120_000 }, () => {
    let gate: ServedFile
    let spy: SpyUpstream
    const suite = closeAfterTests()
    const at = (tenant: string, path = '/mcp'): string => `${gate.url}/t/${tenant}${path}`
    const run = (...command: string[]) => portcullis([...command, '-c', gate.file])
    /** The answers to that many calls, each on a connection of its own, so that workers take turns. */
    const call = async (tenant: string, user: string, times = 1): Promise<number[]> => {
      const browser = new FormBrowser({ fill: { name: user } })
      const { access_token: token } = await new OAuthClient(at(tenant, '')).signIn(
        { scope: 'mcp:*' },
        browser,
      )
      const statuses: number[] = []
      for (let n = 0; n < times; n++)
        statuses.push((await post(at(tenant), token, list, { headers: { connection: 'close' } })).status)
      return statuses
    }
    const open = async (...flags: string[]): Promise<DashboardVisitor> => {
      const { code, stdout, stderr } = await run('dashboard', ...flags)
      assert.equal(code, 0, stderr)
      return openDashboard(stdout.trim())
    }

    before(async () => {
      spy = await startSpyUpstream()
      suite.after(() => spy.close())
      const upstreams: ConfigInput['upstreams'] = [
        { name: 'spy', path: '/mcp', url: spy.url, transport: 'streamable-http', era: 'both' },
      ]
      gate = await serveFile(
        suite,
        {
          upstreams,
          tenants: names.map((name) => ({
            name,
            clients: testClients,
            upstreams,
            limits: { perMinute: 30 },
            registration: { newPerMinute: 4 },
          })),
        },
        args,
      )
      assert.deepEqual(await call('acme', 'ada', 6), [200, 200, 200, 200, 200, 200])
      assert.deepEqual(await call('globex', 'bob'), [200])
    })

    it('has a dashboard for each, which shows whose it is and what is theirs alone', async () => {
      const [own, acme, globex] = [
        await open(),
        await open('--tenant', 'acme'),
        await open('--tenant', 'globex'),
      ]
      const page = await (await acme.get('/t/acme')).text()
      assert.match(page, /Portcullis · acme/)
      assert.match(page, /<td>ada<\/td>[^]*<td>tools\/list<\/td>\s*<td>6<\/td>/)
      for (const [visitor, path] of [
        [own, ''],
        [globex, '/t/globex'],
      ] as const)
        for (const table of ['', '/grants', '/sessions']) {
          const response = await visitor.get(path + table || '/')
          assert.equal(response.status, 200, path + table)
          assert.doesNotMatch(await response.text(), /\bada\b/, path + table)
        }
      assert.match(await (await globex.get('/t/globex/grants')).text(), /\bbob\b/)
      assert.match(await (await acme.get('/t/acme/grants')).text(), /action="\/t\/acme\/grants\//)
    })

    it('gets into no other one with what opens one', async () => {
      const acme = await open('--tenant', 'acme')
      const value = acme.cookie.split('=')[1] as string
      const own = `portcullis_dashboard-${new URL(gate.adminUrl).port}`
      for (const [path, name] of [
        ['/', own],
        ['/t/globex', `${own}_globex`],
        ['/t/globex', own],
      ] as const)
        for (const cookie of [acme.cookie, `${name}=${value}`])
          assert.equal((await fetch(gate.adminUrl + path, { headers: { cookie } })).status, 401, path)
      const { stdout: link } = await run('dashboard', '--tenant', 'acme')
      for (const other of ['/t/globex/', '/'])
        assert.equal(
          (await fetch(link.trim().replace('/t/acme/', other), { method: 'POST' })).status,
          401,
          other,
        )
      assert.ok(await openDashboard(link.trim()), 'and the link is still good where it belongs')
      assert.equal((await fetch(`${gate.adminUrl}/t/nobody`)).status, 404)
    })

    it('is open beside the others in one browser, which sends its cookie nowhere else', async () => {
      const { stdout: link } = await run('dashboard', '--tenant', 'acme')
      const { headers } = await fetch(link.trim(), { method: 'POST', redirect: 'manual' })
      const name = `portcullis_dashboard-${new URL(gate.adminUrl).port}_acme`
      assert.match(headers.get('set-cookie') ?? '', new RegExp(`^${name}=[\\w-]+; Path=/t/acme; `))
    })

    it('reads what was decided for one tenant, and verifies it with the keys of that one', async () => {
      const query = async (...flags: string[]): Promise<string> => {
        const { code, stdout, stderr } = await run('audit', 'query', '--json', ...flags)
        assert.equal(code, 0, stderr)
        return stdout
      }
      const [own, acme, globex] = [
        await query(),
        await query('--tenant', 'acme'),
        await query('--tenant', 'globex'),
      ]
      assert.match(acme, /"tenant":"acme"/)
      assert.match(acme, /"subject":"ada"/)
      assert.doesNotMatch(acme, /globex|"bob"/)
      assert.match(globex, /"subject":"bob"/)
      assert.doesNotMatch(globex + own, /"ada"/)
      assert.doesNotMatch(own, /"tenant"/)
      const folder = join(gate.data, 'tenants', 'globex', 'audit')
      assert.equal(await query(folder, '--tenant', 'acme'), '', 'also in a folder that is named')
      for (const flags of [[], ['--tenant', 'acme'], ['--tenant', 'globex']])
        assert.equal((await run('audit', 'verify', ...flags)).code, 0, flags.join(' '))
      assert.equal(
        (await run('audit', 'verify', folder, '--tenant', 'acme')).code,
        1,
        'signed by another one',
      )
      const unknown = await run('audit', 'query', '--tenant', 'hooli')
      assert.equal(unknown.code, 2)
      assert.match(unknown.stderr, /--tenant: the configuration has no tenant "hooli", but acme, globex/)
    })

    it('finds in metrics whose they are', async () => {
      const metrics = await (await fetch(`${gate.adminUrl}/metrics`)).text()
      const count = (tenant: string): string | undefined =>
        new RegExp(
          `^portcullis_mcp_operations_total\\{(?=[^}]*tenant="${tenant}")[^}]*\\} (\\d+)$`,
          'm',
        ).exec(metrics)?.[1]
      assert.deepEqual([count('acme'), count('globex')], ['6', '1'])
      assert.equal(metrics.match(/^# TYPE portcullis_requests_total /gm)?.length, 1)
    })

    it('has limits counted for each, wherever that is done', async () => {
      assert.equal((await call('acme', 'busy', 31)).at(-1), 503)
      assert.deepEqual(await call('globex', 'busy', 2), [200, 200])
      const register = async (tenant: string, path: string): Promise<number> => {
        const response = await fetch(at(tenant, '/register'), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ redirect_uris: [`http://127.0.0.1:1/${path}`] }),
        })
        return response.status
      }
      assert.equal(await register('acme', 'one'), 201)
      assert.equal(await register('acme', 'two'), 429, 'from one address')
      assert.equal(await register('globex', 'three'), 201)
    })

    it('finds in the log where each server is, as what clients are to be given', async () => {
      const ready = (await gate.says(/^ready$/)) as { readonly servers?: unknown }
      assert.deepEqual(ready.servers, [`${gate.url}/mcp`, ...names.map((name) => at(name))])
    })

    it('is told by check which tenants there are and where each server is, and of a wrong one what mends it', async () => {
      const { code, stdout } = await run('check')
      assert.equal(code, 0)
      for (const name of names)
        assert.ok(
          stdout.includes(`  tenant ${name}: one MCP server behind ${at(name, '')}\n    spy  ${at(name)}\n`),
          stdout,
        )
      assert.ok(stdout.includes(`behind ${gate.url}\n  spy  ${gate.url}/mcp\n`), stdout)
      const file = join(gate.data, 'wrong.yaml')
      const wrong = {
        ...gate.config,
        tenants: [
          { name: 'Acme', host: 'https://acme.example' },
          { name: 'b', upstream: [] },
        ],
      }
      await writeFile(file, JSON.stringify(wrong))
      const { code: failed, stderr } = await portcullis(['check', '-c', file])
      assert.equal(failed, 2)
      for (const expected of [
        'tenants[0].name: must be up to 32 lower-case letters, digits and hyphens',
        'tenants[0].host: must be a host name in lower case, without scheme and path',
        'tenants[1].upstream: there is no such setting; did you mean upstreams?',
      ])
        assert.ok(stderr.includes(expected), `${expected}\n${stderr}`)
    })
  })
}
