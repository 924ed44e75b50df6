import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { pathOf } from './install.ts'

/** What was used for the measurement. */
export interface Machine {
  readonly cpu: string
  readonly cpus: number
  readonly memoryGiB: number
  readonly system: string
  readonly versions: Readonly<Record<string, string>>
}

/** Describes the hardware and the version of everything involved. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${/PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]}, Linux ${release()}`,
    versions: {
      Node: process.versions.node,
      OpenSSL: process.versions.openssl,
      HAProxy: ask('haproxy', ['-v'], /version (\S+)/),
      nginx: ask('nginx', ['-v'], /nginx\/(\S+)/),
      wrk: ask('wrk', ['-v'], /wrk \S*?([\d.]+)/),
      ...packageVersions('../../package.json', ['undici', 'jose', 'pino']),
      ...packageVersions('../stacks/package.json', [
        'express',
        '@modelcontextprotocol/sdk',
        'http-proxy-middleware',
        'fastify',
        '@fastify/http-proxy',
      ]),
    },
  }
}

function ask(program: 'haproxy' | 'nginx' | 'wrk', args: readonly string[], pattern: RegExp): string {
  // nginx prints its version on standard error, and wrk exits with 1 after it.
  const { stdout, stderr } = spawnSync(pathOf(program), args, { encoding: 'utf8' })
  return pattern.exec(stdout + stderr)?.[1] ?? 'unknown'
}

function packageVersions(manifest: string, names: readonly string[]): Record<string, string> {
  const { dependencies } = createRequire(import.meta.url)(join(import.meta.dirname, manifest)) as {
    dependencies: Record<string, string>
  }
  return Object.fromEntries(names.map((name) => [name, dependencies[name] ?? 'unknown']))
}
