import { readdir, readFile } from 'node:fs/promises'

const maxProcesses = 256

/**
 * The resident memory of a process and everything that it started, in megabytes, as counted by Linux;
 * undefined if that cannot be known.
 */
export async function residentMegabytes(pid: number): Promise<number | undefined> {
  let kilobytes: number | undefined
  const open = [pid]
  for (let seen = 0; seen < maxProcesses; seen++) {
    const next = open.pop()
    if (next === undefined) break
    const status = await read(`/proc/${next}/status`)
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
    if (resident !== undefined) kilobytes = (kilobytes ?? 0) + Number(resident)
    open.push(...(await childrenOf(next)))
  }
  return kilobytes === undefined ? undefined : kilobytes / 1024
}

/** Linux lists a child with the thread that started it, which may be any. */
async function childrenOf(pid: number): Promise<number[]> {
  const folder = `/proc/${pid}/task`
  const children: number[] = []
  for (const thread of await readdir(folder).catch(() => [])) {
    const listed = await read(`${folder}/${thread}/children`)
    children.push(...listed.split(' ').filter(Boolean).map(Number))
  }
  return children
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return '' // the process is gone, or this is not Linux
  }
}
