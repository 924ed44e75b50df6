import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

/** Microseconds of CPU, user and system, that a process and its children have used so far (Linux). */
export function cpuMicroseconds(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, one) => sum + cpuOf(one), 0)
}

/** The same for this process, including children that have ended but not those still running. */
export function ownMicroseconds(): number {
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = (statOf(process.pid) ?? []).slice(11, 15)
  return fromTicks(user + system + childUser + childSystem)
}

/** Microseconds of CPU that the whole machine has used so far. */
export function machineMicroseconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return fromTicks(user + nice + system + irq + softirq)
}

/** Resident memory of a process, in KiB (Linux). */
export function residentKiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

function cpuOf(pid: number): number {
  const fields = statOf(pid)
  return fields === undefined ? 0 : fromTicks((fields[11] ?? 0) + (fields[12] ?? 0))
}

/** The running child processes of a process (Linux). */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => statOf(one)?.[1] === pid)
}

/** The fields of /proc/PID/stat from the state on; undefined for a process that has ended. */
function statOf(pid: number): number[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ').map(Number)
  } catch {
    return undefined // it has ended
  }
}

function fromTicks(ticks: number): number {
  return (ticks / ticksPerSecond) * 1e6
}
