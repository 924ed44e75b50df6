import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { legacyRequest, startGatedSpy } from '../support/gated-spy.ts'

interface Sample {
  readonly whoCalls: (
    authorization: string | undefined,
  ) => Promise<{ user: { iss: string; sub: string }; client: string; scopes: string[] }>
}

it('what docs/identity-tokens.md tells the author of a server to write knows who calls, and refuses everything else (X10)', async (test) => {
  const gate = await startGatedSpy()
  test.after(() => gate.close())
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-sample-'))
  test.after(() => rm(folder, { recursive: true, force: true }))
  const manual = await readFile(join(import.meta.dirname, '../../docs/identity-tokens.md'), 'utf8')
  const [, sample = ''] = /```ts\n(.*?)```/s.exec(manual) ?? []
  const placed = [
    ['https://mcp.example.com', gate.installation.url],
    ['http://127.0.0.1:9000/mcp', gate.spy.url],
    ["'jose'", `'${import.meta.resolve('jose')}'`],
  ] as const
  for (const [text] of placed) assert.ok(sample.includes(text), `the sample has ${text}`)
  const file = join(folder, 'sample.ts')
  await writeFile(
    file,
    placed.reduce((written, [from, to]) => written.replaceAll(from, to), sample),
  )
  const { whoCalls } = (await import(pathToFileURL(file).href)) as Sample

  const token = await gate.tokenFor('mcp:tools:read mcp:prompts:list', 'ada')
  assert.equal((await gate.post(legacyRequest('tools/list'), { token })).status, 200)
  const shown = gate.spy.seen.at(-1)?.headers.authorization
  assert.deepEqual(await whoCalls(shown), {
    user: { iss: gate.installation.url, sub: 'ada' },
    client: 'user-client',
    scopes: ['mcp:tools:read', 'mcp:prompts:list'],
  })
  const [, twin = ''] = /```python\n(.*?)```/s.exec(manual) ?? []
  assert.match(twin, /user = \(claims\["sub_id"\]\["iss"\], claims\["sub_id"\]\["sub"\]\)/)
  for (const other of [undefined, `Bearer ${token}`, `${shown}x`]) await assert.rejects(whoCalls(other))
})
