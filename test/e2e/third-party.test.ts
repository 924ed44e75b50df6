import assert from 'node:assert/strict'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { tokenFor } from '../support/era-calls.ts'
import { type Installation, startInstallation } from '../support/installation.ts'
import { clientModules } from '../support/tools.ts'

let gate: Installation
let folder: string
before(async () => {
  const modules = await clientModules()
  folder = await realpath(await mkdtemp(join(tmpdir(), 'third-party-')))
  await writeFile(join(folder, 'note.txt'), 'a note on the disk')
  const program = (name: string): string =>
    join(modules, `@modelcontextprotocol/server-${name}/dist/index.js`)
  const upstreams = [
    { name: 'everything', command: [process.execPath, program('everything')] },
    { name: 'filesystem', command: [process.execPath, program('filesystem'), folder] },
    { name: 'memory', command: [process.execPath, program('memory')], environment: ['MEMORY_FILE_PATH'] },
  ].map((upstream) => ({ ...upstream, path: `/${upstream.name}/mcp` }))
  process.env['MEMORY_FILE_PATH'] = join(folder, 'memory.jsonl')
  gate = await startInstallation({ config: { upstreams } })
  delete process.env['MEMORY_FILE_PATH']
})
after(async () => {
  await gate.close()
  await rm(folder, { recursive: true })
})

const calls: Readonly<Record<string, () => { name: string; arguments: object; expected: RegExp }>> = {
  everything: () => ({ name: 'echo', arguments: { message: 'hello' }, expected: /hello/ }),
  filesystem: () => ({
    name: 'read_text_file',
    arguments: { path: join(folder, 'note.txt') },
    expected: /a note on the disk/,
  }),
  memory: () => ({
    name: 'create_entities',
    arguments: { entities: [{ name: 'Ada', entityType: 'person', observations: ['writes programs'] }] },
    expected: /writes programs|\[\]/,
  }),
}

describe('servers of others behind the gate', () => {
  for (const [server, makeCall] of Object.entries(calls)) {
    for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
      it(`${server}, called by a ${typeof mode === 'string' ? mode : 'modern'} client`, {
        timeout: 60_000,
      }, async () => {
        const url = `${gate.url}/${server}/mcp`
        const requestInit = { headers: { authorization: `Bearer ${await tokenFor(url, 'ada')}` } }
        const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
        await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
        const { expected, ...call } = makeCall()
        const { tools } = await client.listTools()
        assert.ok(
          tools.some(({ name }) => name === call.name),
          tools.map(({ name }) => name).join(),
        )
        assert.match(JSON.stringify(await client.callTool(call as never)), expected)
        await client.close()
      })
    }
  }
})
