import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { examineServer, login } from '../support/examination.ts'
import { freePort } from '../support/installation.ts'
import { type ServingProgram, startProgram } from '../support/program.ts'
import { clientModules } from '../support/tools.ts'

let url: string
let server: ServingProgram
before(async () => {
  const example = '@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js'
  const file = join(await clientModules(), example)
  const [mcp, authorization] = [await freePort(), await freePort()]
  const env = { ...process.env, MCP_PORT: String(mcp), MCP_AUTH_PORT: String(authorization) }
  url = `http://localhost:${mcp}/mcp`
  const attempt = (): Promise<Response> => fetch(url)
  const how = { name: 'the example of the SDK', attempt, env }
  server = await startProgram([process.execPath, file, '--oauth', '--oauth-strict'], how)
})
after(() => server.stop())

describe('doctor, at the example server of SDK v1, which is not ours', () => {
  it('walks the whole way with sessions, and finds the faults that the example has', {
    timeout: 120_000,
  }, async () => {
    const { of, withMark } = await examineServer(url, { as: 'mcp-remote', credentials: login })
    for (const check of ['login-answer', 'token-code', 'call-open', 'call-tools'] as const) {
      assert.equal(of(check).mark, 'passed', JSON.stringify(of(check)))
    }
    assert.match(of('token-forged').cause ?? '', /500 server_error/)
    assert.match(of('code-once').cause ?? '', /500 server_error/)
    assert.match(of('client-unknown').cause ?? '', /400 invalid_client/)
    assert.match(of('login-page').cause ?? '', /without a login and without consent/)
    assert.match(of('login-issuer').cause ?? '', /no `iss`/)
    assert.match(of('refresh').cause ?? '', /no refresh token came/)
    assert.deepEqual(withMark('failed'), ['token-forged'])
  })
})
