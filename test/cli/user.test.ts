import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { filePaths } from '../../src/audit/files.ts'
import { portcullis, startPortcullis } from '../support/command.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { freePort } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { addVouchedUser, goodPassword } from '../support/people.ts'
import { until } from '../support/until.ts'
import { Visitor } from '../support/visitor.ts'

const program = join(import.meta.dirname, '../../bin/portcullis.js')
const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-user-'))

/** Runs a command that reads a password from standard input. */
function withPassword(args: readonly string[], password: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...args, '--password-stdin'],
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr })
      },
    )
    child.stdin?.end(`${password}\n`)
  })
}

describe('portcullis user', () => {
  it('adds, lists, disables, enables and removes, and says what cannot be done', {
    timeout: 120_000,
  }, async () => {
    const data = folder()
    const at = ['--data', data]
    assert.match(
      (await withPassword(['user', 'add', 'ada', ...at], goodPassword)).output,
      /ada was added: usr_/,
    )
    for (const [args, password, problem] of [
      [['add', 'Ada'], goodPassword, /there is a user Ada already/],
      [['add', 'b c'], goodPassword, /A name has up to 64/],
      [['add', 'bob'], 'short', /at least 12 characters/],
      [['set-password', 'nobody'], goodPassword, /there is no user nobody/],
    ] as const) {
      const { code, output } = await withPassword(['user', ...args, ...at], password)
      assert.equal(code, 2)
      assert.match(output, problem)
      assert.doesNotMatch(output, /^\s+at /m, 'no stack trace')
    }
    // Nobody is asked for a password that could not be used.
    const taken = await portcullis(['user', 'add', 'Ada', ...at])
    assert.match(taken.stderr, /^portcullis: there is a user Ada already$/m)
    const unknown = await portcullis(['user', 'set-password', 'nobody', ...at])
    assert.match(unknown.stderr, /^portcullis: there is no user nobody$/m)
    await portcullis(['user', 'disable', 'ADA', ...at])
    const list = async (): Promise<Record<string, unknown>[]> =>
      JSON.parse((await portcullis(['user', 'list', '--json', ...at])).stdout) as Record<string, unknown>[]
    const [ada, ...others] = await list()
    assert.deepEqual(others, [])
    assert.deepEqual(Object.keys(ada ?? {}), ['id', 'name', 'displayName', 'state', 'signsInAt', 'createdAt'])
    assert.equal(ada?.['state'], 'disabled')
    await portcullis(['user', 'enable', 'ada', ...at])
    const again = await portcullis(['user', 'enable', 'ada', ...at])
    assert.deepEqual([again.code, again.stderr], [2, 'portcullis: ada is not disabled\n'])
    const listed = async (): Promise<string> => (await portcullis(['user', 'list', ...at])).stdout
    assert.match(
      await listed(),
      /^name +id +state +shown as +signs in at\nada +usr_\S+ +active +ada +here\n$/,
    )
    assert.match((await portcullis(['user', 'remove', 'ada', ...at])).stdout, /ada was removed/)
    assert.deepEqual(await list(), [])
    assert.match(await listed(), /^There are no users yet: add one with portcullis user add NAME/)
    const clients = await portcullis(['client', 'list', ...at])
    assert.match(clients.stdout, /^There are no clients yet: .+portcullis client add/)

    const id = await addVouchedUser(data, 'https://login.example.com', 'eve')
    assert.deepEqual(
      (await list()).map(({ state, signsInAt }) => [state, signsInAt]),
      [['active', 'company']],
    )
    const byName = await portcullis(['user', 'disable', 'company:eve', ...at])
    assert.deepEqual(
      [byName.code, byName.stderr],
      [2, `portcullis: company:eve signs in at a provider: name them by id, ${id}\n`],
    )
    for (const args of [
      ['invite', 'usr_bob'],
      ['disable', 'usr_bob'],
      ['remove', 'usr_bob'],
    ])
      assert.equal((await portcullis(['user', ...args, ...at])).code, 0, 'a name that begins as ids do')
  })

  it('makes no installation by looking, keeps a lost secret lost, and lets nobody in where none could log in', {
    timeout: 60_000,
  }, async () => {
    const data = folder()
    const missing = join(data, 'typo')
    for (const args of [['list'], ['disable', 'ada'], ['set-password', 'ada', '--password-stdin']]) {
      const { code, stderr } = await portcullis(['user', ...args, '--data', missing])
      assert.deepEqual([code, existsSync(missing)], [2, false])
      assert.match(stderr, /^portcullis: --data: .*typo is not the data folder of an installation/)
    }
    const development = { PORTCULLIS_LOGIN_USERS: 'none' }
    const refused = await portcullis(['user', 'invite', 'ada', '--data', data], development)
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /login\.users: is none/)
    const invited = await portcullis(['user', 'invite', 'ada', '--data', data])
    assert.equal(invited.code, 0, invited.stderr)
    rmSync(join(data, 'secret'))
    const lost = await portcullis(['user', 'list', '--data', data])
    assert.deepEqual([lost.code, existsSync(join(data, 'secret'))], [2, false])
    assert.match(
      lost.stderr,
      /^portcullis: .*secret is missing, .*: put it back, .*PORTCULLIS_SECRET, or restore/,
    )
  })

  it('asks nobody where there is no terminal, as the audit tells in the same words', async () => {
    const data = folder()
    assert.equal((await portcullis(['user', 'invite', 'bob', '--data', data])).code, 0)
    const { code, stderr } = await portcullis(['user', 'add', 'ada', '--data', data])
    assert.equal(code, 2, stderr)
    const reason = '--password-stdin: there is no terminal to ask on: pass the password on standard input'
    assert.ok(stderr.includes(reason), stderr)
    const { stdout } = await portcullis(['audit', 'query', '--data', data])
    assert.ok(stdout.includes(reason), stdout)
  })

  it('makes neither a store nor a user for one who cannot be added', { timeout: 60_000 }, async () => {
    const data = join(folder(), 'new')
    const add = (name: string, env = {}) => portcullis(['user', 'add', name, '--data', data], env)
    const invite = (name: string, env = {}) => portcullis(['user', 'invite', name, '--data', data], env)
    const none = { PORTCULLIS_LOGIN_USERS: 'none' }
    for (const [{ code, stderr }, problem] of [
      [await add('ada'), /^portcullis: --password-stdin: there is no terminal to ask on/],
      [await add('a b'), /^portcullis: A name has up to 64/],
      [await add('ada', none), /^portcullis: login\.users: is none/],
      [await invite(''), /^portcullis: A name has up to 64/],
      [await invite('ada', none), /^portcullis: login\.users: is none/],
    ] as const) {
      assert.match(stderr, problem)
      assert.deepEqual([code, existsSync(data)], [2, false])
    }
    const short = await withPassword(['user', 'add', 'ada', '--data', data], 'short')
    assert.deepEqual(
      [short, existsSync(data)],
      [{ code: 2, output: 'portcullis: A password needs at least 12 characters.\n' }, false],
    )
    const added = await withPassword(['user', 'add', 'ada', '--data', data], goodPassword)
    assert.match(added.output, /ada was added: usr_/)
    for (const [{ code, stderr }, problem] of [
      [await add('a b'), /^portcullis: A name has up to 64/],
      [await invite('a b'), /^portcullis: A name has up to 64/],
      [await invite('bob', none), /^portcullis: login\.users: is none/],
    ] as const) {
      assert.match(stderr, problem, 'in a store that there is, too')
      assert.equal(code, 2)
    }
    assert.equal((await portcullis(['user', 'list', '--data', data])).stdout.split('\n').length, 3)
  })

  it('takes a password from no argument, and asks at a terminal without showing it', {
    timeout: 60_000,
  }, async () => {
    const data = folder()
    assert.match(
      (await portcullis(['user', 'add', 'ada', '--password', goodPassword, '--data', data])).stderr,
      /unknown option '--password'/,
    )
    const command = `${process.execPath} ${program} user add ada --data ${data}`
    const terminal = spawn('script', ['-qec', command, '/dev/null'])
    let shown = ''
    let asked = 0
    terminal.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
      const questions = shown.match(/(?:Password|Repeat the password): /g)?.length ?? 0
      for (; asked < questions; asked++) terminal.stdin.write(`${goodPassword}x\u007f\r`)
    })
    assert.equal(await new Promise((resolve) => terminal.once('close', resolve)), 0, shown)
    assert.match(shown, /ada was added/)
    assert.ok(!shown.includes(goodPassword.slice(0, 4)))
  })

  it('works while servers run: who is disabled is out within a second, in every process (A58)', {
    timeout: 120_000,
  }, async (test) => {
    const data = folder()
    const port = await freePort()
    const file = join(data, 'portcullis.yaml')
    writeFileSync(
      file,
      `data: ${data}
log: { format: text }
login: { users: local }
listen: { gateway: ${port}, authorizationServer: 0, admin: 0 }
upstreams: [{ name: a, url: http://127.0.0.1:9/mcp }]
`,
    )
    const running = await startPortcullis(test, ['serve', '-c', file])
    const url = `http://127.0.0.1:${port}`

    await until(() => running.output().includes('/setup/'), 'it prints a link')
    const link = /http:\/\/\S+\/setup\/([\w-]{43})/.exec(running.output())
    assert.ok(link !== null, running.output())
    const [, hint = ''] = /or with: (.*)/.exec(running.output()) ?? []
    assert.equal(hint, `portcullis user add NAME -c ${file} --data ${data}`, 'the same in every folder')
    const invited = await portcullis(['user', 'invite', 'grace', '-c', file])
    assert.match(invited.stdout, new RegExp(`^${url}/setup/[\\w-]{43}\n$`))
    const alone = await portcullis(['user', 'invite', 'grace', '--data', data])
    assert.match(alone.stdout, new RegExp(`^${url}/setup/`), 'the address of the last start')
    const own = { password: goodPassword, repeated: goodPassword }
    assert.equal((await new Visitor(url).submit(invited.stdout.trim(), own)).status, 303)
    assert.equal((await new Visitor(url).get(link[0])).status, 400, 'there is a first user now')

    const client = await OAuthClient.register(url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    const browser = new FormBrowser({ fill: { name: 'grace', password: goodPassword } })
    const { access_token: token, refresh_token: refresh } = await client.signIn(
      { scope: 'mcp:tools:read' },
      browser,
    )
    const call = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
      return (await fetch(`${url}/mcp`, { method: 'POST', headers, body })).status
    }
    assert.equal(await call(), 502, 'let in; there is no server behind')
    assert.match((await portcullis(['user', 'disable', 'grace', '-c', file])).stdout, /is disabled/)
    await until(async () => (await call()) === 401, 'the token has ended')
    assert.equal((await client.refresh(refresh)).body.error, 'invalid_grant')
    const audit = filePaths(join(data, 'audit'))
      .map((path) => readFileSync(path, 'utf8'))
      .join('')
    assert.match(audit, /"event":"admin\.user".*"action":"user disable","target":"grace"/)
    assert.ok(!audit.includes(link[1] as string))
    assert.ok(
      !running
        .output()
        .replace(link[0], '')
        .includes((link[1] as string).slice(0, 24)),
    )
  })
})
