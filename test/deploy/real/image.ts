import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { listen } from '../../support/listen.ts'
import { until } from '../../support/until.ts'
import { image } from './build.ts'
import type { Podman } from './podman.ts'

const config = `mode: production
publicUrl: https://mcp.example.com
workers: 2
listen: { host: 0.0.0.0 }
upstreams: [{ name: files, path: /mcp, url: 'http://127.0.0.1:9/mcp' }]
`

/** What compose.yaml and the manifest say: no rights, and nothing to write to but /data and /tmp. */
const confined = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--tmpfs=/tmp:mode=1777,size=16m',
  '--cap-drop=all',
  '--security-opt=no-new-privileges',
]

/** A JavaScript for `node -e` that prints the status, one header and the body of an answer. */
const ask = (url: string, header = 'content-type', method = 'GET'): string => `
  const request = require('http').request('${url}', { method: '${method}', headers: { host: 'mcp.example.com' } })
  request.on('response', async (answer) => {
    let body = ''
    for await (const chunk of answer) body += chunk
    console.log([answer.statusCode, answer.headers['${header}'], body].join('\\n'))
  }).on('error', (error) => { console.error(error.message); process.exit(1) }).end()`

/** Runs the image as an operator does, and looks at what it does there. */
export function testImage(podman: () => Podman): void {
  describe('the image', { timeout: 300_000 }, () => {
    let folder: string
    let mounts: string[]
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'portcullis-image-'))
      mounts = mount(folder, config)
    })

    const start = async (test: TestContext | undefined, ...args: string[]): Promise<string> => {
      const id = await podman()('run', '--detach', '--network=none', '--no-healthcheck', ...args)
      if (test !== undefined) test.after(() => podman()('rm', '--force', '--volumes', id))
      return id
    }
    const readiness =
      "fetch('http://127.0.0.1:3005/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"
    const isReady = async (id: string): Promise<boolean> =>
      (await podman().attempt('exec', id, 'node', '-e', readiness)).code === 0
    const stop = async (id: string): Promise<{ code: number; seconds: number }> => {
      const began = performance.now()
      await podman()('stop', '--time=20', id)
      const code = Number(await podman()('inspect', '--format={{.State.ExitCode}}', id))
      return { code, seconds: (performance.now() - began) / 1000 }
    }

    describe('confined, on its own volume', () => {
      let gate: string
      before(async () => {
        await podman()('volume', 'create', 'image-data')
        gate = await start(undefined, ...confined, '--volume=image-data:/data', ...mounts, image)
        await until(() => isReady(gate), await podman()('logs', gate))
      })
      after(async () => {
        await podman()('rm', '--force', gate)
        await podman()('volume', 'rm', 'image-data')
      })
      const inside = (...command: string[]): Promise<string> => podman()('exec', gate, ...command)

      it('runs as nobody in particular, without rights', async () => {
        const status = await inside('cat', '/proc/1/status')
        for (const line of [
          'Uid:\t1000\t1000\t1000\t1000',
          'CapEff:\t0000000000000000',
          'NoNewPrivs:\t1',
          'Seccomp:\t2',
        ])
          assert.ok(status.includes(line), `${line} in ${status}`)
      })

      it('is healthy, by its own check', async () => {
        const check = JSON.parse(
          await podman()('image', 'inspect', '--format={{json .HealthCheck.Test}}', image),
        ) as string[]
        assert.equal(check[0], 'CMD')
        await inside(...check.slice(1))
        assert.equal(
          (
            await podman().attempt(
              'exec',
              gate,
              ...check.slice(1, -1),
              check.at(-1)?.replace('3005', '9') ?? '',
            )
          ).code,
          1,
        )
      })

      it('has metadata, and a challenge for who has no token', async () => {
        const metadata = await inside(
          'node',
          '-e',
          ask('http://127.0.0.1:3002/.well-known/oauth-protected-resource/mcp'),
        )
        assert.match(metadata, /^200\n[^]*"resource":"https:\/\/mcp\.example\.com\/mcp"/)
        const challenge = await inside(
          'node',
          '-e',
          ask('http://127.0.0.1:3002/mcp', 'www-authenticate', 'POST'),
        )
        assert.match(challenge, /^401\nBearer .*resource_metadata="https:\/\/mcp\.example\.com\//)
      })

      it('writes into its volume alone, for itself alone', async () => {
        const written = (await inside('find', '/data', '-printf', '%y%m %u %p\\n')).split('\n')
        assert.ok(
          written.some((line) => line.endsWith('/data/portcullis.sqlite')),
          written.join('\n'),
        )
        for (const line of written) assert.match(line, /^(?:d700|f600) node \/data/)
        assert.equal((await podman().attempt('exec', gate, 'touch', '/app/x')).code, 1)
        assert.match(
          await inside('find', '/tmp', '-mindepth', '1', '-printf', '%y%m %u %p\\n'),
          /^d700 node \/tmp\/portcullis-/,
        )
      })

      it('runs the other commands beside it', async () => {
        assert.match(
          await inside(
            'portcullis',
            'client',
            'add',
            '--name',
            'Some',
            '--redirect-uri',
            'http://127.0.0.1:1/cb',
          ),
          /\w/,
        )
        assert.match(await inside('portcullis', 'client', 'list'), /Some/)
        assert.match(await inside('portcullis', 'audit', 'verify'), /\w/)
      })

      it('ends in time when it is told to, and goes on with what it had', async () => {
        const keys = (): Promise<string> => inside('node', '-e', ask('http://127.0.0.1:3002/jwks'))
        const published = await keys()
        assert.match(published, /"kid"/)
        const { code, seconds } = await stop(gate)
        assert.equal(code, 0, await podman()('logs', gate))
        assert.ok(seconds < 10, `${seconds} s`)
        await podman()('start', gate)
        await until(() => isReady(gate), 'it is ready again')
        assert.equal(await keys(), published)
      })
    })

    it('writes nowhere else where nothing keeps it from that', async (test) => {
      const gate = await start(test, ...mounts, image)
      await until(() => isReady(gate), 'it is ready')
      assert.equal((await stop(gate)).code, 0)
      const changed = (await podman()('diff', gate)).split('\n').filter(Boolean)
      for (const line of changed) assert.match(line, /^[CA] \/(?:data|tmp|etc|run|proc|sys|dev)\b/)
      assert.ok(!changed.some((line) => /^A \/tmp\/./.test(line)), changed.join('\n'))
    })

    it('ends at once when it is told so before it serves', async (test) => {
      const silent = createServer(() => undefined)
      const { port } = await listen(silent, test)
      const url = `postgres://somebody:secret@127.0.0.1:${port}/x`
      const settings = [`--env=PORTCULLIS_STORE_URL=${url}`, `--env=PORTCULLIS_SECRET=${'x'.repeat(64)}`]
      const gate = await podman()(
        'run',
        '--detach',
        '--network=host',
        '--no-healthcheck',
        ...settings,
        ...mounts,
        image,
      )
      test.after(() => podman()('rm', '--force', '--volumes', gate))
      await new Promise<void>((resolve) => silent.once('connection', () => resolve()))
      const { code, seconds } = await stop(gate)
      assert.equal(code, 128 + 15)
      assert.ok(seconds < 5, `${seconds} s`)
    })

    it('runs other commands, and tells what is wrong', async () => {
      const once = (mountsOf: string[], ...args: string[]) =>
        podman().attempt(
          'run',
          '--rm',
          '--network=none',
          '--no-healthcheck',
          ...confined,
          ...mountsOf,
          image,
          ...args,
        )
      assert.match((await once(mounts, 'check')).stdout, /is valid: production mode/)
      const wrong = await once(
        mount(mkdtempSync(join(tmpdir(), 'portcullis-image-')), 'mode: prod\n'),
        'check',
      )
      assert.equal(wrong.code, 2)
      assert.match(wrong.stderr, /mode: /)
      assert.match((await once([], '--version')).stdout, /^\d+\.\d+\.\d+\n$/)
      const bare = await once([])
      assert.equal(bare.code, 2)
      assert.match(bare.stderr, /\/etc\/portcullis\/portcullis\.yaml/)
    })

    it('has what is needed to run it, and no more', async () => {
      const [size = 0, base = 0] = (
        await podman()('image', 'inspect', '--format={{.Size}}', image, 'node:26-bookworm-slim')
      )
        .split('\n')
        .map(Number)
      assert.ok(size - base < 70_000_000, `${(size - base) / 1e6} MB`)
      const command = [
        'run',
        '--rm',
        '--network=none',
        '--no-healthcheck',
        '--entrypoint=find',
        image,
        '/app',
      ]
      const unused = ['*.map', '*.ts', 'typescript', 'biome'].flatMap((name) => ['-o', '-name', name])
      const found = await podman()(...command, ...unused.slice(1))
      assert.equal(found, '')
    })
  })
}

function mount(folder: string, text: string): string[] {
  const file = join(folder, 'portcullis.yaml')
  writeFileSync(file, text)
  return [`--volume=${file}:/etc/portcullis/portcullis.yaml:ro`]
}
