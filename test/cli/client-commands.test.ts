import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { clientCommand } from '../../src/cli/client.ts'
import { withStore } from '../../src/cli/with-store.ts'
import { runHere, type Said } from '../support/run-here.ts'

const machine =
  '{ id: robot, secret: a-secret-of-thirty-two-characters, grantTypes: [client_credentials], scopes: [mcp:tools] }'

/** The clients of an installation that nobody has started, with these in its file. */
async function open(test: TestContext, clients = ''): Promise<(...args: string[]) => Promise<Said>> {
  const data = mkdtempSync(join(tmpdir(), 'clients-'))
  await withStore({ data }, async () => undefined, { beforeMaking: async () => undefined })
  const file = join(data, 'portcullis.yaml')
  writeFileSync(
    file,
    `data: ${data}\nregistration: { privateUseRedirects: ['app://cb'] }\nclients: [${clients}]\n`,
  )
  return (...args) => runHere(test, clientCommand(), [...args, '-c', file])
}

const idOf = ({ out }: Said): string => (JSON.parse(out) as { client_id: string }).client_id
const users = ['--name', 'Editor', '--redirect-uri', 'https://app.example/cb']

describe('portcullis client, of what is in the store and in the file', { timeout: 60_000 }, () => {
  it('lists and shows both', async (test) => {
    const none = await open(test)
    assert.match((await none('list')).out, /^There are no clients yet/)
    assert.deepEqual(JSON.parse((await none('list', '--json')).out), [])
    const one = await open(test, machine)
    assert.match((await one('list')).out, /robot +robot +configuration/)
    assert.match((await one('show', 'robot')).out, /^registered_by +configuration$/m)
    assert.doesNotMatch((await one('show', 'robot')).out, /a-secret/)
    assert.equal(idOf(await one('show', 'robot', '--json')), 'robot')
    const id = idOf(await one('add', '--json', ...users.with(1, 'Ed\u001b[31mitor')))
    const shown = await one('show', id)
    assert.match(shown.out, /^client_name +Ed\[31mitor$/m)
    assert.match(shown.out, /^last_used_at +never$/m)
    assert.doesNotMatch(shown.out, /operator_client/, 'what only the program needs to know')
    const strict = idOf(await one('add', '--json', ...users, '--require-pushed-requests'))
    assert.match((await one('show', strict)).out, /^require_pushed_authorization_requests +true$/m)
    assert.match((await one('list')).out, /robot[^]*Ed\[31mitor/)
    const name = `E\u202e\u2028d${'o'.repeat(36)}\u{1f600}${'o'.repeat(60)}`
    await one('add', ...users.with(1, name))
    assert.match(
      (await one('list')).out,
      /  Edo{36}…  /u,
      'no long name moves the columns, nor turns the line',
    )
    assert.equal((await none('redirects')).out, 'app://cb')
    assert.deepEqual(JSON.parse((await none('redirects', '--json')).out), ['app://cb'])
  })

  it('shows which are blocked, also those that are in neither', async (test) => {
    const run = await open(test, machine)
    const document = 'https://app.example/\u001b[31mclient.json'
    const id = idOf(await run('add', '--json', ...users))
    for (const blocked of [id, 'robot', document]) await run('block', blocked)
    const free = idOf(await run('add', '--json', ...users))
    const lines = (await run('list')).out.split('\n')
    const isBlocked = lines.map((line) => [line.split(' ')[0], /\d{4}-\d\d-\d\d \d\d:\d\d$/.test(line)])
    assert.deepEqual(Object.fromEntries(isBlocked), {
      client_id: false,
      robot: true,
      [id]: true,
      [free]: false,
      [document.replace('\u001b', '')]: true,
    })
    type Listed = { readonly client_id: string; readonly blocked_at?: string; readonly blocked_by?: string }
    const listed = async (): Promise<readonly Listed[]> => JSON.parse((await run('list', '--json')).out)
    const blockedIds = (all: readonly Listed[]): string[] =>
      all
        .filter(({ blocked_at: at, blocked_by: by }) => at !== undefined && by !== undefined)
        .map(({ client_id: one }) => one)
    const before = await listed()
    assert.equal(before.length, 4)
    assert.deepEqual(blockedIds(before).toSorted(), [id, 'robot', document].toSorted())
    assert.match((await run('show', id)).out, /^client_name +Editor$/m, 'and all that is known')
    for (const one of [id, 'robot', document]) {
      assert.match((await run('show', one)).out, /^blocked_at +\d{4}-\d\d-\d\d/m)
      await run('unblock', one)
    }
    assert.doesNotMatch((await run('show', id)).out, /blocked/)
    assert.match((await run('show', document)).failure ?? '', /^id: the store has no client/)
    const after = await listed()
    assert.deepEqual([after.length, blockedIds(after)], [2, []])
  })

  it('says what a program needs, and nothing but that to programs', async (test) => {
    const run = await open(test)
    const added = await run('add', ...users)
    assert.match(added.out, /^client_id +\S+\n\nGive this to the program, .* server: one of those under http/)
    assert.doesNotMatch(added.out, /secret/)
    assert.match((await run('list')).out, /Editor/)
    const secret = await run('add', ...users, '--secret')
    assert.match(secret.out, /^client_secret +\S+\n\nThe secret is shown only now/m)
    const machines = await run('add', '--json', '--name', 'Robot', '--scope', 'mcp:tools')
    assert.deepEqual(Object.keys(JSON.parse(machines.out) as object), ['client_id', 'client_secret'])
    assert.equal(machines.err, '')
    const device = 'urn:ietf:params:oauth:grant-type:device_code'
    assert.match(
      (await run('add', '--name', 'TV', '--grant', device)).err,
      /^portcullis: the grant \S+device_code works only with/,
    )
  })

  it('gives a new secret to who has one, in the store alone', async (test) => {
    const run = await open(test, machine)
    const id = idOf(await run('add', '--json', ...users))
    assert.match((await run('rotate-secret', id)).failure ?? '', /^id: \S+ has no secret: it is public/)
    const secret = JSON.parse((await run('add', '--json', ...users, '--secret')).out) as Record<
      string,
      string
    >
    const other = JSON.parse(
      (await run('rotate-secret', '--json', String(secret['client_id']))).out,
    ) as typeof secret
    assert.equal(other['client_id'], secret['client_id'])
    assert.notEqual(other['client_secret'], secret['client_secret'])
    for (const command of ['rotate-secret', 'remove']) {
      assert.match(
        (await run(command, 'robot')).failure ?? '',
        /^id: robot is a client of the configuration file/,
      )
      assert.match((await run(command, 'nobody')).failure ?? '', /^id: the store has no client nobody/)
    }
    assert.match((await run('remove', id)).out, /was removed, and 0 grants have ended\.$/)
    assert.match((await run('show', id)).failure ?? '', /^id: the store has no client/)
  })

  it('blocks anybody once, and says of whom nothing is known', async (test) => {
    const run = await open(test, machine)
    const id = idOf(await run('add', '--json', ...users))
    for (const known of [id, 'robot', 'https://client.example/metadata.json']) {
      const { out, err } = await run('block', known)
      assert.deepEqual([out, err], [`${known} is blocked, and 0 grants have ended.`, ''])
      assert.match((await run('block', known)).failure ?? '', /is blocked already/)
    }
    const empty = await open(test)
    await empty('block', 'nobody')
    assert.match((await empty('list')).out, /^nobody /m, 'though there are no clients')
    const unknown = await run('block', 'nobody', '--json')
    assert.deepEqual(JSON.parse(unknown.out), { client_id: 'nobody', grants_ended: 0 })
    assert.match(unknown.err, /^portcullis: no client nobody is known/)
    assert.equal((await run('unblock', 'nobody')).out, 'nobody may ask for tokens again.')
    assert.match((await run('unblock', 'nobody')).failure ?? '', /^id: nobody is not blocked$/)
    assert.deepEqual(JSON.parse((await run('unblock', 'robot', '--json')).out), { client_id: 'robot' })
  })
})
