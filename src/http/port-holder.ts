import { readdir, readFile, readlink } from 'node:fs/promises'

/** Who listens on a port. */
export interface PortHolder {
  readonly isThisProcess: boolean
  /** For the operator. */
  readonly description: string
}

/** Finds out who listens on a TCP port, as far as Linux's /proc tells this user. */
export async function portHolder(port: number): Promise<PortHolder | undefined> {
  try {
    const inode = await listeningInode(port)
    return inode === undefined ? undefined : await ownerOf(inode)
  } catch {
    return undefined // no /proc, or not readable: the message goes without
  }
}

async function listeningInode(port: number): Promise<string | undefined> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8')).split('\n')) {
      const columns = line.trim().split(/\s+/)
      if (columns[1]?.endsWith(`:${hexPort}`) && columns[3] === '0A') return columns[9]
    }
  }
  return undefined
}

async function ownerOf(inode: string): Promise<PortHolder | undefined> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (target !== `socket:[${inode}]`) continue
      if (pid === String(process.pid))
        return { isThisProcess: true, description: 'another listener of this very process' }
      const name = await readFile(`/proc/${pid}/comm`, 'utf8')
      return { isThisProcess: false, description: `${name.trim()} (process ${pid})` }
    }
  }
  return undefined
}
