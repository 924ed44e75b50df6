import { accessSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './find-program.ts'
import { startProgram } from './program.ts'

/** The header in which the nginx of the tests says who answered: an address with its port. */
export const answeredBy = 'x-answered-by'

/** The last of all that nginx has asked, which gave the answer. */
export function lastAnswering(headers: Headers): string {
  return headers.get(answeredBy)?.split(', ').at(-1) ?? ''
}

/** An nginx in front of gateways. */
export interface Nginx {
  readonly url: string
  stop(): Promise<void>
}

const example = join(import.meta.dirname, '../../deploy/proxies/nginx.conf')

/**
 * Starts nginx with our example configuration, in turn over these loopback ports; without TLS, and with one
 * worker, so that the turns are in order. Throws if no nginx is available.
 */
export async function startNginx(port: number, ports: readonly number[]): Promise<Nginx> {
  const program = await findProgram('nginx')
  const home = mkdtempSync(join(tmpdir(), 'portcullis-nginx-'))
  const file = join(home, 'nginx.conf')
  writeFileSync(file, configuration(home, port, ports))
  const running = await startProgram([program, '-e', 'stderr', '-c', file], {
    name: 'nginx',
    attempt: () => accessSync(pidFile(home)),
    signal: 'SIGTERM',
  })
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await running.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function configuration(home: string, port: number, ports: readonly number[]): string {
  const text = readFileSync(example, 'utf8')
  const server = /^ *server 127\.0\.0\.1:3002 (.*);$/m
  const options = server.exec(text)?.[1]
  if (options === undefined) throw new Error('deploy/proxies/nginx.conf has no line for the gateway')
  const servers = ports.map((one) => `server 127.0.0.1:${one} ${options};`).join('\n')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const places = paths.map((one) => `${one}_temp_path ${home}/${one};`).join('\n')
  const http = text
    .replace('worker_processes auto;', 'worker_processes 1;')
    .replace(server, servers)
    .replace(/^ *ssl_certificate.*$/gm, '')
    .replace(
      'listen 443 ssl http2;',
      `listen 127.0.0.1:${port};\nadd_header ${answeredBy} $upstream_addr always;`,
    )
    .replace(/\n {2}server \{\n {4}listen 80;.*?\n {2}\}\n/s, '')
    .replace('http {', `http {\naccess_log off;\n${places}`)
  const user = process.getuid?.() === 0 ? 'user root;\n' : ''
  return `daemon off;\npid ${pidFile(home)};\nerror_log stderr crit;\n${user}${http}`
}

/** It exists as soon as nginx listens, but not if another process has the port. */
function pidFile(home: string): string {
  return join(home, 'pid')
}
