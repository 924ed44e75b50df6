import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { startDemoServer } from '../../demo/server.ts'
import { readDevelopmentToken } from '../support/command.ts'
import { type DemoInstallation, startDemoInstallation } from '../support/demo-installation.ts'

interface ToolResult {
  readonly isError?: boolean
  readonly content: { readonly text: string }[]
  readonly structuredContent?: { readonly result: number }
}

/** A folder of its own, since other tests start demos as well. */
const temporary = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
process.env['TMPDIR'] = temporary

const libraries = (): string[] => readdirSync(temporary).filter((name) => name.startsWith('portcullis-demo-'))

let installation: DemoInstallation
before(async () => {
  installation = await startDemoInstallation()
})
after(async () => {
  await installation.close()
  assert.deepEqual(libraries(), [], 'the folder of the resources is gone')
  rmSync(temporary, { recursive: true })
})

for (const mode of ['legacy', { pin: '2026-07-28' }] as const) {
  describe(`the demo server through the gate, ${typeof mode === 'string' ? mode : mode.pin}`, () => {
    let client: Client
    before(async () => {
      client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } })
      const token = await readDevelopmentToken(installation, ['--scope', 'mcp:*'])
      const requestInit = { headers: { authorization: `Bearer ${token}` } }
      await client.connect(new StreamableHTTPClientTransport(new URL(installation.mcpUrl), { requestInit }))
    })
    after(() => client.close())

    const call = async (name: string, args: Record<string, unknown>): Promise<ToolResult> =>
      (await client.callTool({ name, arguments: args })) as unknown as ToolResult

    it('has ten tools with schemas for input and output', async () => {
      const { tools } = await client.listTools()
      const names = [
        'add',
        'subtract',
        'multiply',
        'divide',
        'power',
        'sqrt',
        'sin',
        'cos',
        'log',
        'factorial',
      ]
      assert.deepEqual(
        tools.map(({ name }) => name),
        names,
      )
      for (const tool of tools) {
        assert.equal(tool.inputSchema.type, 'object')
        assert.ok(Object.keys(tool.inputSchema['properties'] ?? {}).length >= 1)
        assert.deepEqual(Object.keys(tool.outputSchema?.['properties'] ?? {}), ['result'])
        assert.ok(tool.description)
      }
    })

    const right: [string, Record<string, number>, number][] = [
      ['add', { a: 2, b: 3 }, 5],
      ['subtract', { a: 2, b: 3 }, -1],
      ['multiply', { a: 2.5, b: 4 }, 10],
      ['divide', { a: 1, b: 4 }, 0.25],
      ['power', { base: 2, exponent: -1 }, 0.5],
      ['sqrt', { value: 9 }, 3],
      ['sin', { radians: 0 }, 0],
      ['cos', { radians: 0 }, 1],
      ['log', { value: Math.E }, 1],
      ['factorial', { n: 20 }, 2432902008176640000],
      ['factorial', { n: 0 }, 1],
    ]
    for (const [name, args, result] of right) {
      it(`${name}(${Object.values(args).join(', ')}) is ${result}`, async () => {
        const answer = await call(name, args)
        assert.deepEqual(answer.structuredContent, { result })
        assert.equal(answer.content[0]?.text, String(result))
      })
    }

    const wrong: [string, Record<string, unknown>, RegExp][] = [
      ['divide', { a: 1, b: 0 }, /Division by zero/],
      ['sqrt', { value: -1 }, /no real square root/],
      ['log', { value: 0 }, /Only positive/],
      ['power', { base: -8, exponent: 1 / 3 }, /whole exponent/],
      ['power', { base: 0, exponent: -1 }, /no negative powers/],
      ['power', { base: 1e300, exponent: 2 }, /too large/],
      ['factorial', { n: -1 }, /whole numbers/],
      ['factorial', { n: 1.5 }, /whole numbers/],
      ['factorial', { n: 171 }, /too large/],
      ['add', { a: 1 }, /b/],
      ['add', { a: 'one', b: 2 }, /a/],
      ['sin', {}, /radians/],
    ]
    for (const [name, args, message] of wrong) {
      it(`${name}(${JSON.stringify(args)}) is an error that says why`, async () => {
        const answer = await call(name, args)
        assert.equal(answer.isError, true)
        assert.match(answer.content[0]?.text ?? '', message)
      })
    }

    it('has four resources with their media types', async () => {
      const { resources } = await client.listResources()
      const expected: [string, string, RegExp][] = [
        ['welcome.txt', 'text/plain', /^Welcome/],
        ['config.json', 'application/json', /"portcullis-demo"/],
        ['sample.md', 'text/markdown', /^# Sample/],
        ['oauth2-config.yaml', 'application/yaml', /^flow: authorization_code/],
      ]
      assert.deepEqual(
        resources.map(({ name, mimeType }) => [name, mimeType]),
        expected.map(([name, type]) => [name, type]),
      )
      for (const [index, [, mimeType, text]] of expected.entries()) {
        const { contents } = await client.readResource({ uri: resources[index]?.uri ?? '' })
        const [content] = contents as { mimeType: string; text: string }[]
        assert.equal(content?.mimeType, mimeType)
        assert.match(content?.text ?? '', text)
      }
      await assert.rejects(client.readResource({ uri: 'demo:///missing.txt' }))
    })

    it('has four prompts that use their arguments', async () => {
      const { prompts } = await client.listPrompts()
      assert.deepEqual(
        prompts.map(({ name }) => name),
        ['code-review', 'security-review', 'performance-review', 'style-review'],
      )
      for (const { name, arguments: args } of prompts) {
        assert.deepEqual(
          args?.map((one) => [one.name, one.required]),
          [
            ['code', true],
            ['language', false],
          ],
        )
        const { messages } = await client.getPrompt({
          name,
          arguments: { code: 'x = 1', language: 'python' },
        })
        const text = JSON.stringify(messages[0]?.content)
        assert.match(text, /x = 1/)
        assert.match(text, /python/)
      }
      await assert.rejects(client.getPrompt({ name: 'code-review', arguments: {} }))
    })
  })
}

describe('the demo server itself', () => {
  it('lets nobody in who goes round the gate', async () => {
    const token = await readDevelopmentToken(installation, ['--scope', 'mcp:*'])
    for (const authorization of [undefined, 'Bearer x', `Bearer ${token}`, 'Basic eDp5']) {
      const response = await fetch(installation.demoUrl, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
      })
      assert.equal(response.status, 401)
    }
  })
})

it('says where it is also at an address of IPv6', async () => {
  const gateway = { issuer: 'http://127.0.0.1:1/gateway', jwksUrl: 'http://127.0.0.1:1/gateway/jwks' }
  const demo = await startDemoServer({ host: '::1', port: 0, gateway })
  await demo.close()
  assert.match(demo.url, /^http:\/\/\[::1\]:\d+\/mcp$/)
})
