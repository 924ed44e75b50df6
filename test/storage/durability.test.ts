import assert from 'node:assert/strict'
import { mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { filePaths } from '../../src/audit/files.ts'
import { readEvent } from '../../src/audit/read-event.ts'
import { readLines } from '../../src/audit/read-lines.ts'
import { portcullis as runPortcullis, type Started, startPortcullis } from '../support/command.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { freePort } from '../support/installation.ts'
import { type IssuedCode, OAuthClient } from '../support/oauth.ts'

const kills = 20
const callers = 10
const operationsBetweenKills = 10
/** Twenty starts from cold would be most of the test. */
const compileCache = join(tmpdir(), 'portcullis-compile-cache')

/** The real server, which is killed again and again and starts on the same data. */
class Victim {
  readonly data: string
  readonly port: number
  readonly url: string
  readonly #test: TestContext
  #running: Started | undefined
  /** Resolves when the server that is being started answers. */
  #up: Promise<void> = Promise.resolve()
  kills = 0

  constructor(test: TestContext, data: string, port: number) {
    this.#test = test
    this.data = data
    this.port = port
    this.url = `http://127.0.0.1:${port}`
  }

  start(): Promise<void> {
    const args = ['run', '--upstream', 'http://127.0.0.1:9/mcp', '--log-level', 'warn']
    const where = ['--port', String(this.port), '--data', this.data]
    this.#up = startPortcullis(this.#test, [...args, ...where], {
      PORTCULLIS_TOKENS_CODE_SECONDS: '600',
      PORTCULLIS_TOKENS_REFRESH_WINDOW_SECONDS: '60',
      NODE_COMPILE_CACHE: compileCache,
    }).then((running) => {
      this.#running = running
    })
    return this.#up
  }

  whenUp(): Promise<void> {
    return this.#up
  }

  async killAndRestart(): Promise<void> {
    await this.#up
    const running = this.#running as Started
    running.process.kill('SIGKILL')
    this.kills++
    await running.exit
    await this.start()
  }

  async stop(): Promise<void> {
    const running = this.#running as Started
    running.process.kill('SIGTERM')
    assert.equal(await running.exit, 0)
  }
}

/** Somebody who signs in and refreshes, and remembers what was acknowledged. */
class Caller {
  readonly #victim: Victim
  readonly browser = new FormBrowser()
  readonly client: OAuthClient
  refreshToken: string | undefined
  /** A code that was given and not yet redeemed. */
  pending: IssuedCode | undefined
  acknowledged = 0
  /** The requests for tokens that were answered. */
  readonly answered: string[] = []
  cutOff = 0

  constructor(victim: Victim, client: OAuthClient) {
    this.#victim = victim
    this.client = client
  }

  /** One step. A call that was cut off was not acknowledged; anything but a good answer is a loss. */
  async step(): Promise<void> {
    await this.#victim.whenUp()
    const token = this.refreshToken
    try {
      if (token === undefined) await this.#signIn()
      else await this.#refresh(token)
      this.acknowledged++
    } catch (error) {
      if (!isCutOff(error)) throw error
      this.cutOff++
    }
  }

  async #signIn(): Promise<void> {
    this.pending ??= await this.client.authorize({ scope: 'mcp:tools:read' }, this.browser)
    const code = this.pending
    // Whether a redemption that is cut off was carried out, nobody knows: then the code is given up.
    this.pending = undefined
    const { status, body, headers } = await this.client.redeem(code)
    assert.equal(status, 200, `a code that was given is there: ${JSON.stringify(body)}`)
    this.refreshToken = body.refresh_token
    this.answered.push(headers.get('x-request-id') ?? '')
  }

  async #refresh(token: string): Promise<void> {
    // A call that was cut off is made again with the same token: within the window that must succeed, whether the
    // server died before or after it used the token up.
    const { status, body, headers } = await this.client.refresh(token)
    assert.equal(status, 200, `a refresh token that was given is there: ${JSON.stringify(body)}`)
    this.refreshToken = body.refresh_token
    this.answered.push(headers.get('x-request-id') ?? '')
  }
}

/** Whether a call ended because the server was killed, as fetch tells it. */
function isCutOff(error: unknown): boolean {
  return error instanceof TypeError && /fetch failed|terminated/.test(error.message)
}

describe('kill -9', () => {
  it('in the middle of logins and refreshes loses nothing that was acknowledged', {
    timeout: 280_000,
  }, async (test) => {
    const data = await mkdtemp(join(tmpdir(), 'portcullis-kill-'))
    const victim = new Victim(test, data, await freePort())
    await victim.start()
    const register = () => OAuthClient.register(victim.url, { redirect_uris: ['http://127.0.0.1:1/cb'] })
    const everybody = await Promise.all(
      Array.from({ length: callers }, async () => new Caller(victim, await register())),
    )
    const unused = await everybody[0]?.client.authorize({ scope: 'mcp:tools:read' })

    const progress = { steps: 0, over: false }
    const working = everybody.map(async (caller) => {
      while (!progress.over) {
        await caller.step()
        progress.steps++
      }
    })
    const killing = (async () => {
      for (let kill = 0; kill < kills; kill++) {
        const enough = progress.steps + operationsBetweenKills
        while (progress.steps < enough) await new Promise((resolve) => setTimeout(resolve, kill % 4))
        await victim.killAndRestart()
      }
    })()
    await Promise.race([killing, Promise.all(working)])
    progress.over = true
    await Promise.all(working)

    assert.equal(victim.kills, kills)
    const total = (of: (caller: Caller) => number): number => everybody.reduce((sum, one) => sum + of(one), 0)
    assert.ok(total(({ acknowledged }) => acknowledged) >= 200)
    assert.ok(total(({ cutOff }) => cutOff) > 0, 'no kill hit a call, so this proves nothing')

    for (const caller of everybody) {
      if (caller.refreshToken !== undefined) {
        const { status } = await caller.client.refresh(caller.refreshToken)
        assert.equal(status, 200, 'whoever held a refresh token still is signed in')
      }
      const pages = caller.browser.pages.length
      await caller.client.authorize({ scope: 'mcp:tools:read' }, caller.browser)
      const [next] = caller.browser.pages.slice(pages)
      assert.match(next?.html ?? '', /name="decision"/, 'whoever had signed in is asked for consent alone')
    }
    assert.ok(unused !== undefined)
    const first = everybody[0] as Caller
    assert.equal((await first.client.redeem(unused)).status, 200, 'a code of the beginning is there')
    await victim.killAndRestart()
    assert.equal((await first.client.redeem(unused)).status, 400, 'that it was used is not forgotten')
    for (const file of ['secret', 'portcullis.sqlite']) {
      assert.equal((await stat(join(data, file))).mode & 0o777, 0o600, file)
    }
    assert.equal((await stat(data)).mode & 0o077, 0)
    await victim.stop()

    const told = new Set<string | undefined>()
    for await (const { lines } of readLines(filePaths(join(data, 'audit'))))
      for (const line of lines) told.add(readEvent(line)?.requestId)
    for (const id of everybody.flatMap(({ answered }) => answered))
      assert.ok(told.has(id), `the audit has what was answered: ${id}`)
    const verified = await runPortcullis(['audit', 'verify', '--data', data])
    assert.equal(verified.code, 0, verified.stdout)
  })
})
