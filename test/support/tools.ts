import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findOrInstall } from './debian.ts'
import { oneAtATime } from './one-at-a-time.ts'

const run = promisify(execFile)

/** The folder of the real clients that the tests use. */
const folder = join(import.meta.dirname, '../clients')

/**
 * The node_modules folder of the real clients, installed on first use. TEST_CLIENTS may name a folder where
 * they are already installed.
 */
export async function clientModules(): Promise<string> {
  const given = process.env['TEST_CLIENTS']
  if (given !== undefined) return join(given, 'node_modules')
  const modules = join(folder, 'node_modules')
  const stamp = join(modules, '.portcullis-installed')
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  await oneAtATime('clients', async () => {
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder })
    writeFileSync(stamp, wanted)
  })
  return modules
}

/**
 * A Chromium: CHROMIUM_PATH, or else an installed one, or else Debian's, which root can install. Throws if
 * none is available.
 */
export async function chromiumPath(): Promise<string> {
  const candidates = [
    process.env['CHROMIUM_PATH'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ]
  const find = (): string | undefined => candidates.find((path) => path !== undefined && existsSync(path))
  const found = await findOrInstall(find, 'chromium', 'fonts-liberation')
  if (found !== undefined) return found
  throw new Error('these tests need Chromium: install the package chromium, or name one in CHROMIUM_PATH')
}

/** Flags with which Chromium runs anywhere and contacts nothing but the pages under test. */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
