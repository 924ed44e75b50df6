import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

/** Microseconds of CPU, user and system, that a process and its children have used so far (Linux). */
export function cpuMicroseconds(pid: number): number {
  const children = childrenOf(pid)
  return [pid, ...children].reduce((sum, one) => sum + ownCpu(one), 0)
}

/** Microseconds of CPU that the whole machine has used so far. */
export function machineMicroseconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return ((user + nice + system + irq + softirq) / ticksPerSecond) * 1e6
}

function ownCpu(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6
  } catch {
    return 0 // it has ended
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === pid
      } catch {
        return false
      }
    })
    .map(Number)
}
