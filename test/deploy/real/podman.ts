import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Finished } from '../../support/command.ts'
import { findOrInstall } from '../../support/debian.ts'
import { findProgram } from '../../support/find-program.ts'

/** Podman with images, containers and networks of its own, of which nothing is left. */
export interface Podman {
  /** A folder that goes with it. */
  readonly home: string
  /** The environment in which other programs drive the same Podman. */
  readonly environment: NodeJS.ProcessEnv
  /** Runs `podman` to its end and returns what it wrote. Throws what it said where it failed. */
  (...args: string[]): Promise<string>
  /** The same for what may fail. */
  attempt(...args: string[]): Promise<Finished>
  remove(): Promise<void>
}

/** Opens it. Only root can build and run images here; throws for others, and where there is no Podman. */
export async function openPodman(): Promise<Podman> {
  if (process.getuid?.() !== 0) throw new Error('images are built and run by root alone: use sudo')
  const program = await findProgram('podman')
  // Not crun, which refuses machines with both versions of cgroups.
  const runtime = await findProgram('runc')
  // Debian only recommends them, and Podman finds them by itself.
  for (const helper of ['netavark', 'aardvark-dns']) await findHelper(helper)
  const home = mkdtempSync(join(tmpdir(), 'portcullis-podman-'))
  const write = (name: string, text: string): string => {
    writeFileSync(join(home, name), text)
    return join(home, name)
  }
  const environment = {
    ...process.env,
    CONTAINERS_STORAGE_CONF: write(
      'storage.conf',
      `[storage]\ndriver = "overlay"\ngraphroot = "${home}/storage"\nrunroot = "${home}/run"\n`,
    ),
    CONTAINERS_CONF: write(
      'containers.conf',
      [
        '[engine]',
        `runtime = "${runtime}"`,
        'cgroup_manager = "cgroupfs"',
        'events_logger = "file"',
        `tmp_dir = "${home}/tmp"`,
        // Podman would raise them, which root of a sandbox may not.
        '[containers]',
        'default_ulimits = ["nofile=8192:8192", "nproc=4096:4096"]',
        '[network]',
        'network_backend = "netavark"',
        `network_config_dir = "${home}/networks"`,
      ].join('\n'),
    ),
  }
  let runs = 0
  const attempt = async (...args: string[]): Promise<Finished> => {
    // Files, since what watches over a container keeps its output open for as long as that runs.
    const [out = '', error = ''] = ['out', 'error'].map((name) => join(home, `${name}-${runs}`))
    runs++
    const [stdout, stderr] = [openSync(out, 'w'), openSync(error, 'w')]
    const child = spawn(program, args, { env: environment, stdio: ['ignore', stdout, stderr] })
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (status, signal) => resolve(status ?? (signal === null ? 1 : 128)))
    })
    closeSync(stdout)
    closeSync(stderr)
    const finished = { code, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(error, 'utf8') }
    for (const file of [out, error]) rmSync(file)
    return finished
  }
  const podman = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await attempt(...args)
    if (code !== 0) throw new Error(`podman ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`)
    return stdout.trim()
  }
  return Object.assign(podman, {
    home,
    environment,
    attempt,
    async remove() {
      const { code } = await attempt('system', 'reset', '--force')
      // Where Podman cannot start, it leaves its storage mounted.
      if (code !== 0) spawnSync('umount', [join(home, 'storage/overlay')])
      rmSync(home, { recursive: true, force: true })
    },
  })
}

/** Sees to a program that Podman runs for networks. Throws where it is not to be had. */
async function findHelper(name: string): Promise<void> {
  const folders = [
    '/usr/local/libexec/podman',
    '/usr/local/lib/podman',
    '/usr/libexec/podman',
    '/usr/lib/podman',
  ]
  const find = (): string | undefined =>
    folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
  if ((await findOrInstall(find, name)) === undefined)
    throw new Error(`Podman needs ${name}: install the package of that name`)
}
