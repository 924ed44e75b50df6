import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { accessSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { findProgram } from '../support/find-program.ts'
import { freePort } from '../support/installation.ts'
import { listen } from '../support/listen.ts'
import { makeCertificate, writePair } from '../support/local-tls.ts'
import { startNginx } from '../support/nginx.ts'
import { startProgram } from '../support/program.ts'

const folder = join(import.meta.dirname, '../../deploy')
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')

/** The configuration of somebody who has set nothing but a server. */
function defaults(): Config {
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-deploy-')), 'portcullis.yaml')
  writeFileSync(file, 'upstreams: [{ name: a, url: http://127.0.0.1:9/mcp }]')
  return loadConfig({ file, environment: {}, needsServer: true })
}

describe('proxies in front', () => {
  it('nginx takes its example', async () => {
    const nginx = await findProgram('nginx')
    const home = mkdtempSync(join(tmpdir(), 'portcullis-nginx-'))
    const { certificate, key } = writePair(makeCertificate())
    const text = read('proxies/nginx.conf')
      .replace('/etc/nginx/tls/fullchain.pem', certificate)
      .replace('/etc/nginx/tls/privkey.pem', key)
    const file = join(home, 'nginx.conf')
    writeFileSync(file, `pid ${home}/pid;\nerror_log stderr;\n${text}`)
    await promisify(execFile)(nginx, ['-t', '-q', '-e', 'stderr', '-c', file])
  })

  it('nginx takes what the documentation says', async () => {
    const told = readFileSync(join(folder, '../docs/operations.md'), 'utf8')
    const blocks = [...told.matchAll(/^ *```\n( *location .*?)^ *```$/gms)].map(([, block = '']) => block)
    assert.equal(blocks.length, 3)
    for (const block of blocks) {
      const home = mkdtempSync(join(tmpdir(), 'portcullis-nginx-'))
      const file = join(home, 'nginx.conf')
      const server = `server { listen 127.0.0.1:${await freePort()};\n${block}}`
      writeFileSync(file, `pid ${home}/pid;\nerror_log stderr;\nevents {}\nhttp {\n${server}\n}\n`)
      await promisify(execFile)(await findProgram('nginx'), ['-t', '-q', '-e', 'stderr', '-c', file])
    }
  })

  it('nginx waits as long and takes as much as the gateway, by the example and by what the documentation says', () => {
    const { limits, upstreams } = defaults()
    const told = readFileSync(join(folder, '../docs/operations.md'), 'utf8')
    const places = [...told.matchAll(/^location [^]*?^\}$/gm)].map(([text]) => text)
    assert.equal(places.length, 2)
    for (const text of [read('proxies/nginx.conf'), ...places]) {
      const megabytes = Number(/client_max_body_size (\d+)m;/.exec(text)?.[1])
      assert.ok(megabytes * 2 ** 20 > limits.bodyBytes, text)
      const seconds = Number(/proxy_read_timeout (\d+)s;/.exec(text)?.[1])
      assert.ok(seconds > (upstreams[0]?.responseSeconds ?? Number.NaN), text)
    }
  })

  it('nginx, as the documentation has it, tells a client that an answer was cut off', async (test) => {
    const server = createServer((_req, res) => {
      res.write('{"jsonrpc":"2.0",')
      setTimeout(() => res.destroy(), 50)
    })
    const { port: behind } = await listen(server, test)
    const told = readFileSync(join(folder, '../docs/operations.md'), 'utf8')
    for (const [block] of told.matchAll(/^location [^]*?^\}$/gm)) {
      const home = mkdtempSync(join(tmpdir(), 'portcullis-nginx-'))
      const port = await freePort()
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      const places = paths.map((one) => `${one}_temp_path ${home}/${one};`).join('\n')
      const place = `server { listen 127.0.0.1:${port};\n${block.replace(':3002', `:${behind}`)}}`
      const file = join(home, 'nginx.conf')
      const text = `daemon off;\npid ${home}/pid;\nerror_log stderr;\nevents {}\n`
      writeFileSync(file, `${text}http {\naccess_log off;\n${places}\n${place}\n}\n`)
      const nginx = await startProgram([await findProgram('nginx'), '-e', 'stderr', '-c', file], {
        name: 'nginx',
        attempt: () => accessSync(join(home, 'pid')),
        signal: 'SIGTERM',
      })
      test.after(() => nginx.stop())
      const answer = await fetch(`http://127.0.0.1:${port}/gate/mcp`)
      await assert.rejects(answer.text(), 'it is not taken for complete')
    }
  })

  it('nginx passes on Host with its port, by the example and by what the documentation says', async (test) => {
    const hosts: (string | undefined)[] = []
    const gateway = createServer(({ headers: { host } }, res) => {
      hosts.push(host)
      res.end()
    })
    const port = await freePort()
    const nginx = await startNginx(port, [(await listen(gateway, test)).port])
    test.after(() => nginx.stop())
    await fetch(nginx.url)
    assert.deepEqual(hosts, [`127.0.0.1:${port}`])
    const told = readFileSync(join(folder, '../docs/operations.md'), 'utf8')
    const lines = told.match(/proxy_set_header Host .*/g) ?? []
    assert.ok(lines.length > 1 && lines.every((line) => line === 'proxy_set_header Host $http_host;'))
    assert.doesNotMatch(read('proxies/nginx.conf'), /\$host\b[^ ]/, 'nor does a redirect lose the port')
  })

  it('all hand on to a port where the gateway listens, with Host and the address, and buffer nothing', () => {
    const nginx = read('proxies/nginx.conf')
    for (const line of [
      'proxy_set_header Host $http_host;',
      'proxy_set_header Forwarded "";',
      'proxy_buffering off;',
    ])
      assert.ok(nginx.includes(line), line)
    assert.match(nginx, /server 127\.0\.0\.1:3002 /)
    const told = readFileSync(join(folder, '../docs/operations.md'), 'utf8')
    for (const text of [read('proxies/Caddyfile'), told])
      assert.doesNotMatch(text, /^\s*flush_interval/m, 'with it Caddy keeps what its client has left')
    const traefik = parse(read('proxies/traefik.yaml')) as {
      http: {
        services: { portcullis: { loadBalancer: { passHostHeader: boolean; servers: { url: string }[] } } }
      }
    }
    const { passHostHeader, servers } = traefik.http.services.portcullis.loadBalancer
    assert.ok(passHostHeader)
    assert.deepEqual(servers, [{ url: 'http://portcullis:3002' }])
  })
})
