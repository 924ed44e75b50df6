import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from '../../support/find-program.ts'
import type { Podman } from './podman.ts'

/** What deploy/Dockerfile begins with. */
export const baseImage = 'docker.io/library/node:26-bookworm-slim'

const run = promisify(execFile)

/**
 * Makes an image in place of Docker's `node:26-bookworm-slim`, out of Debian's packages and the Node of this checkout: no
 * registry of images is asked. Its npm and its apt reach theirs as those of this machine do.
 */
export async function makeBaseImage(podman: Podman): Promise<void> {
  const root = join(podman.home, 'root')
  const archive = join(podman.home, 'root.tar')
  // In memory, since dpkg waits for the disk after each file.
  mkdirSync(root)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1g', 'portcullis', root])
  try {
    await fill(root)
    await run('tar', ['-C', root, '-cf', archive, '.'])
  } finally {
    await run('umount', [root])
  }
  const changes = [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'ENTRYPOINT ["docker-entrypoint.sh"]',
    'CMD ["node"]',
  ]
  await podman('import', ...changes.flatMap((one) => ['--change', one]), archive, baseImage)
  rmSync(archive)
}

async function fill(root: string): Promise<void> {
  const debootstrap = await findProgram('debootstrap')
  const packages = '--include=libatomic1,ca-certificates'
  await run(debootstrap, ['--variant=minbase', packages, 'bookworm', root, ...(await mirror())], {
    maxBuffer: 64 * 1024 * 1024,
  })
  const spared = ['share/doc', 'share/man', 'share/locale'].map((path) => join(root, 'usr', path))
  for (const path of [...spared, join(root, 'var/lib/apt/lists'), join(root, 'var/cache/apt')])
    rmSync(path, { recursive: true, force: true })
  await run('chroot', [root, 'groupadd', '--gid', '1000', 'node'])
  await run('chroot', [root, 'useradd', '--uid', '1000', '--gid', 'node', '--create-home', 'node'])
  copyFileSync(process.execPath, join(root, 'usr/local/bin/node'))
  await addNpm(root)
  const entry = join(root, 'usr/local/bin/docker-entrypoint.sh')
  writeFileSync(entry, '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
}

/** Where this machine has its packages of Debian 12 from; elsewhere debootstrap knows a place. */
async function mirror(): Promise<string[]> {
  const filter = ['Created-By: Packages', 'Codename: bookworm', 'Component: main']
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(SITE)', ...filter])
  return stdout.split('\n').slice(0, 1).filter(Boolean)
}

async function addNpm(root: string): Promise<void> {
  const npm = await findProgram('npm')
  const setting = async (name: string): Promise<string> =>
    (await run(npm, ['config', 'get', name])).stdout.trim()
  const library = join(root, 'usr/local/lib/node_modules/npm')
  cpSync(dirname(dirname(realpathSync(npm))), library, { recursive: true, verbatimSymlinks: true })
  for (const name of ['npm', 'npx'])
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name))
  const folder = join(root, 'usr/local/etc')
  mkdirSync(folder, { recursive: true })
  const authorities = await setting('cafile')
  if (authorities !== 'null') copyFileSync(authorities, join(folder, 'npm-authorities.pem'))
  const lines = [`registry=${await setting('registry')}`]
  if (authorities !== 'null') lines.push('cafile=/usr/local/etc/npm-authorities.pem')
  writeFileSync(join(folder, 'npmrc'), `${lines.join('\n')}\n`)
}
