import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const packages = ['haproxy', 'nginx', 'wrk', 'openssl'] as const

/** The programs that the benchmark runs, by the names of their Debian packages. */
export type Program = (typeof packages)[number]

const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
const stacks = join(import.meta.dirname, '../stacks')

/** The path of a program. Throws if it is not installed. */
export function pathOf(program: Program): string {
  const path = find(program)
  if (path === undefined) throw new Error(`the benchmark needs ${program}: apt-get install ${program}`)
  return path
}

/** Installs what the benchmark needs and this machine lacks: as root from Debian, and the stacks from npm. */
export function install(): void {
  const missing = packages.filter((program) => find(program) === undefined)
  if (missing.length > 0) installPackages(missing)
  if (existsSync(join(stacks, 'node_modules'))) return
  console.error('installing the stacks to compare with from npm …')
  execFileSync('npm', ['ci', '--loglevel=error'], { cwd: stacks, stdio: 'inherit' })
}

function installPackages(missing: readonly string[]): void {
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new Error(`the benchmark needs ${missing.join(', ')}: as root, ${command}`)
  console.error(`${command} …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: readonly string[]): unknown =>
    execFileSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...missing)
}

function find(program: string): string | undefined {
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}
