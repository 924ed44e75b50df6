import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { oneAtATime } from './one-at-a-time.ts'

const run = promisify(execFile)

/**
 * The result of `find`, or its result after Debian's packages are installed, which only root can do.
 * Undefined if it is still not available. A package that another process is installing counts as installed
 * when that is done.
 */
export function findOrInstall<T>(find: () => T | undefined, ...packages: string[]): Promise<T | undefined> {
  return oneAtATime('packages', async () => {
    const found = find()
    if (found !== undefined || process.getuid?.() !== 0) return found
    await install(packages)
    return find()
  })
}

async function install(packages: string[]): Promise<void> {
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 64 * 1024 * 1024 }
  // An interrupted installation blocks every later one.
  await run('dpkg', ['--configure', '-a'], options)
  await run('apt-get', ['update', '-qq'], options)
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options)
}
