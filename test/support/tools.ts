import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The folder of the real clients that the tests drive. */
const folder = join(import.meta.dirname, '../clients')

/**
 * The node_modules folder of the real clients, installed on first use. TEST_CLIENTS may name a folder where
 * they are installed already.
 */
export async function clientModules(): Promise<string> {
  const given = process.env['TEST_CLIENTS']
  if (given !== undefined) return join(given, 'node_modules')
  const modules = join(folder, 'node_modules')
  const stamp = join(modules, '.portcullis-installed')
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
    writeFileSync(stamp, wanted)
  }
  return modules
}

/** A Chromium: CHROMIUM_PATH, else an installed one, else Debian's, which root can install. Throws where none is had. */
export async function chromiumPath(): Promise<string> {
  const candidates = [
    process.env['CHROMIUM_PATH'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ]
  const installed = (): string | undefined =>
    candidates.find((path) => path !== undefined && existsSync(path))
  const found = installed()
  if (found !== undefined) return found
  if (process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    await run('apt-get', ['update', '-qq'], { env })
    await run('apt-get', ['install', '-y', '-qq', 'chromium'], { env, maxBuffer: 64 * 1024 * 1024 })
    const now = installed()
    if (now !== undefined) return now
  }
  throw new Error('these tests need Chromium: install the package chromium, or name one in CHROMIUM_PATH')
}

/** Flags with which Chromium runs anywhere and talks to nobody but the pages under test. */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
