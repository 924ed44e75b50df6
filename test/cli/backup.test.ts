import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { before, describe, it, type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { start } from '../../src/app.ts'
import { restoreCommand } from '../../src/cli/backup.ts'
import { loadConfig } from '../../src/config/load.ts'
import { portcullis, type Started, startPortcullis } from '../support/command.ts'
import { freePort } from '../support/installation.ts'
import { OAuthClient } from '../support/oauth.ts'
import { replaceFs } from '../support/replace-fs.ts'
import { runHere } from '../support/run-here.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'portcullis-backup-'))
const inFolder = (name: string): string => join(folder(), name)
const secret = 'a-configured-secret-of-more-than-32-bytes-in-all'

/** The backup of an installation that was used, with what is needed to go on using it. */
interface Used {
  readonly file: string
  readonly port: number
  readonly client: OAuthClient
  /** Good in the backup. */
  readonly refreshToken: string
}

async function startServer(
  test: TestContext,
  { data, port }: { data: string; port: number },
  env: Record<string, string> = {},
): Promise<Started> {
  const args = ['run', '--upstream', 'http://127.0.0.1:9/mcp', '--port', String(port), '--data', data]
  // Users sign in for as long as a backup takes.
  const limits = { PORTCULLIS_LIMITS_AUTHORIZATIONS_PER_NETWORK: '1000000' }
  return startPortcullis(test, args, { ...limits, ...env })
}

async function stop({ process: child, exit }: Started): Promise<void> {
  child.kill('SIGTERM')
  assert.equal(await exit, 0)
}

async function useAndBackUp(
  test: TestContext,
  env: Record<string, string> = {},
): Promise<Used & { data: string }> {
  const [data, port, file] = [folder(), await freePort(), inFolder('store.backup')]
  const server = await startServer(test, { data, port }, env)
  const client = await OAuthClient.register(`http://127.0.0.1:${port}`, {
    redirect_uris: ['http://127.0.0.1:1/cb'],
  })
  const { refresh_token: refreshToken } = await client.signIn({ scope: 'mcp:tools:read' })
  const load = { on: true }
  const others = (async () => {
    while (load.on) await client.signIn({ scope: 'mcp:tools:read' })
  })()
  const { code, stdout, stderr } = await portcullis(['backup', file, '--data', data], env)
  load.on = false
  await others
  assert.equal(code, 0, stderr)
  assert.match(
    stdout,
    env['PORTCULLIS_SECRET'] === undefined ? /as safe as the data folder/ : /is not included/,
  )
  await stop(server)
  return { file, port, client, refreshToken, data }
}

/** What tells one store from another. */
function markOf(file: string): unknown {
  const database = new DatabaseSync(file, { readOnly: true })
  const mark = database.prepare(`select value from marks where name = 'secret'`).get()
  database.close()
  return mark?.['value']
}

const snapshot = (path: string): Map<string, string> =>
  new Map(
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/-(?:wal|shm)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file, readFileSync(file, 'base64')]),
  )

describe('portcullis backup and restore', () => {
  it('carry an installation to another data folder, secret and all, while it is used', {
    timeout: 120_000,
  }, async (test) => {
    const { file, port, client, refreshToken } = await useAndBackUp(test)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(join(file, '..')), ['store.backup'], 'nothing else is left behind')
    const data = inFolder('new')
    const { code, stderr } = await portcullis(['restore', file, '--data', data])
    assert.equal(code, 0, stderr)
    assert.deepEqual(readdirSync(data).toSorted(), ['audit', 'portcullis.sqlite', 'secret'])
    for (const name of ['portcullis.sqlite', 'secret'])
      assert.equal(statSync(join(data, name)).mode & 0o777, 0o600, name)
    const text = readFileSync(join(data, 'portcullis.sqlite'), 'latin1')
    assert.ok(
      !text.includes(readFileSync(join(data, 'secret'), 'utf8').trim()),
      'the secret is not in the store',
    )
    await startServer(test, { data, port })
    const refreshed = await client.refresh(refreshToken)
    assert.equal(refreshed.status, 200, 'who was signed in still is')
  })

  it('leave a configured secret out, and ask for it', { timeout: 120_000 }, async (test) => {
    const env = { PORTCULLIS_SECRET: secret }
    const { file, port, client, refreshToken } = await useAndBackUp(test, env)
    assert.ok(!readFileSync(file, 'latin1').includes(secret))
    const data = inFolder('new')
    const without = await portcullis(['restore', file, '--data', data])
    assert.equal(without.code, 2)
    assert.match(without.stderr, /its secret is not in it: give .* PORTCULLIS_SECRET/)
    const wrong = await portcullis(['restore', file, '--data', data], { PORTCULLIS_SECRET: `${secret}-not` })
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /made with another secret/)
    assert.equal(existsSync(data), false, 'nothing was put there')
    assert.equal((await portcullis(['restore', file, '--data', data], env)).code, 0)
    await startServer(test, { data, port }, env)
    assert.equal((await client.refresh(refreshToken)).status, 200)
  })
})

describe('portcullis backup', () => {
  it('replaces no file without --force, and names what it cannot copy', {
    timeout: 120_000,
  }, async (test) => {
    const { data, file } = await useAndBackUp(test)
    const first = readFileSync(file)
    const again = await portcullis(['backup', file, '--data', data])
    assert.equal(again.code, 2)
    assert.match(again.stderr, /is there already: choose another name, or replace it with --force/)
    assert.ok(first.equals(readFileSync(file)))
    assert.equal((await portcullis(['backup', file, '--data', data, '--force'])).code, 0)
    assert.match(
      (await portcullis(['backup', inFolder('x'), '--data', folder()])).stderr,
      /not the data folder of an installation/,
    )

    writeFileSync(join(data, 'secret'), `${'x'.repeat(43)}\n`)
    const useless = await portcullis(['backup', inFolder('x'), '--data', data])
    assert.equal(useless.code, 2, 'a backup that nobody could open is none')
    assert.match(useless.stderr, /made with another secret/)
  })

  it('leaves a PostgreSQL to its own tools', async () => {
    const env = { PORTCULLIS_STORE_URL: 'postgres://u:the-password@h/d', PORTCULLIS_SECRET: secret }
    for (const [command, tool] of [
      ['backup', /use pg_dump/],
      ['restore', /use pg_restore/],
    ] as const) {
      const { code, stderr } = await portcullis([command, '/x', '--data', folder()], env)
      assert.equal(code, 2)
      assert.match(stderr, tool)
      assert.doesNotMatch(stderr, /the-password/)
    }
  })
})

describe('portcullis restore', () => {
  it('makes no installation of a file that is not there, or is none', async (test) => {
    const data = inFolder('data')
    const missing = await runHere(test, restoreCommand(), ['/nonexistent/backup', '--data', data])
    assert.equal(missing.failure, '/nonexistent/backup: there is no such file')
    const none = await runHere(test, restoreCommand(), [tmpdir(), '--data', data])
    assert.equal(none.failure, `${tmpdir()}: is a folder: name the file of a backup`)
    assert.equal(existsSync(data), false)
  })

  it('names a file that it may not read', async (test) => {
    const [data, file] = [inFolder('data'), inFolder('unreadable')]
    writeFileSync(file, '')
    // Root may read everything.
    replaceFs(test, 'accessSync', () => {
      throw new Error('EACCES: permission denied')
    })
    const { failure } = await runHere(test, restoreCommand(), [file, '--data', data])
    assert.equal(failure, `${file}: cannot be read (EACCES: permission denied): let this user read it`)
    assert.equal(existsSync(data), false)
  })

  it('creates no folder for what is no backup, and removes none that was there', async (test) => {
    const [home, file] = [folder(), inFolder('no-backup')]
    writeFileSync(file, 'no database')
    for (const data of [join(home, 'in', 'it'), home]) {
      const { failure } = await runHere(test, restoreCommand(), [file, '--data', data])
      assert.match(String(failure), /it is not a file that portcullis backup wrote/)
      assert.deepEqual(readdirSync(home), [])
    }
  })

  it('replaces a store only with --force, never under a server, and keeps the old one', {
    timeout: 120_000,
  }, async (test) => {
    const { file, client, refreshToken, port } = await useAndBackUp(test)
    const data = folder()
    const server = await startServer(test, { data, port: await freePort() })
    const restore = (...args: string[]) => portcullis(['restore', file, '--data', data, ...args])
    assert.match((await restore()).stderr, /is not empty: .* --force/)
    const running = await restore('--force')
    assert.equal(running.code, 2)
    assert.match(running.stderr, /a server is running on .*: stop it first/)
    await stop(server)
    const [old, mark] = [snapshot(data), markOf(join(data, 'portcullis.sqlite'))]
    assert.match((await restore()).stderr, /is not empty/)
    assert.ok(isDeepStrictEqual(snapshot(data), old), 'something changed')

    const { code, stdout } = await restore('--force')
    assert.equal(code, 0)
    const kept = /the store that was there before is in (.*)/.exec(stdout)?.[1] as string
    assert.equal(readFileSync(join(kept, 'secret'), 'base64'), old.get(join(data, 'secret')))
    assert.equal(markOf(join(kept, 'portcullis.sqlite')), mark)
    assert.equal(statSync(kept).mode & 0o777, 0o700)
    await startServer(test, { data, port })
    assert.equal((await client.refresh(refreshToken)).status, 200)
  })

  it('replaces a store that is damaged', { timeout: 120_000 }, async (test) => {
    const { file, client, refreshToken, port } = await useAndBackUp(test)
    const data = folder()
    for (const name of ['portcullis.sqlite', 'portcullis.sqlite-wal'])
      writeFileSync(join(data, name), 'this is no database any more '.repeat(500))
    const damaged = await portcullis(['key', 'list', '--data', data], { PORTCULLIS_SECRET: 's'.repeat(43) })
    assert.equal(damaged.code, 2, damaged.stderr)
    assert.match(
      damaged.stderr,
      /^portcullis: the store .*sqlite is damaged .*portcullis restore FILE --force\n$/,
    )
    const { code, stderr } = await portcullis(['restore', file, '--data', data, '--force'])
    assert.equal(code, 0, stderr)
    await startServer(test, { data, port })
    assert.equal((await client.refresh(refreshToken)).status, 200)
  })

  describe('refuses what would lose something', () => {
    let good: string
    let data: string
    before(async () => {
      const source = folder()
      const listen = { gateway: 0, authorizationServer: 0, admin: 0 }
      const config = { data: source, publicUrl: 'http://127.0.0.1:9', listen }
      const running = await start(loadConfig({ base: { ...config, log: { level: 'silent' } } }))
      await running.close()
      good = inFolder('good')
      assert.equal((await portcullis(['backup', good, '--data', source])).code, 0)
      data = folder()
      assert.equal((await portcullis(['restore', good, '--data', data])).code, 0)
      // Without a log beside it every byte counts: a log is folded in when somebody looks who uses the store.
      run(join(data, 'portcullis.sqlite'), 'pragma journal_mode = delete')
    })

    const spoilt = (spoil: (file: string) => void): string => {
      const file = inFolder('spoilt')
      copyFileSync(good, file)
      spoil(file)
      return file
    }
    const run = (file: string, statement: string): void => {
      const database = new DatabaseSync(file)
      database.exec(statement)
      database.close()
    }
    const cases: Record<string, [(file: string) => void, RegExp]> = {
      'a text': [(file) => writeFileSync(file, 'no database'), /cannot be used: it is not a file that/],
      'an empty file': [(file) => writeFileSync(file, ''), /cannot be used: it is not a file that/],
      'half a file': [
        (file) => writeFileSync(file, readFileSync(file).subarray(0, 40_000)),
        /cannot be used: /,
      ],
      'a plain store': [(file) => run(file, 'drop table backup'), /cannot be used: it is not a file that/],
      'one of a newer version': [
        (file) => run(file, `insert into kysely_migration values ('9999-future', '2030-01-01')`),
        /newer version of portcullis \(it has 9999-future\)/,
      ],
      'one with a secret of another': [
        (file) => run(file, `update backup set secret = '${'y'.repeat(43)}'`),
        /made with another secret/,
      ],
    }
    for (const [name, [spoil, reason]] of Object.entries(cases)) {
      it(`${name}, and leaves everything as it was`, async () => {
        const old = snapshot(data)
        const { code, stderr } = await portcullis(['restore', spoilt(spoil), '--data', data, '--force'])
        assert.equal(code, 2, stderr)
        assert.match(stderr, reason)
        assert.ok(isDeepStrictEqual(snapshot(data), old), 'something changed')
        assert.deepEqual(readdirSync(data).toSorted(), ['audit', 'portcullis.sqlite', 'secret'])
      })
    }
  })
})
