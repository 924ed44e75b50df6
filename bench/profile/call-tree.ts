import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CpuProfile, ProfileNode } from './profiler.ts'

/** Whose code a function is. */
export type Owner = 'portcullis' | 'packages' | 'node' | 'engine'

/** A function in the call tree. Times in microseconds. */
export interface Call {
  readonly name: string
  /** File and line; empty for code of the engine. */
  readonly place: string
  readonly owner: Owner
  readonly self: number
  /** Including everything that it calls. */
  readonly total: number
  readonly calls: readonly Call[]
}

const root = `${import.meta.dirname}/../..`

/** The tree of a profile, from its root, without idle time. */
export function buildCallTree({ nodes, samples, timeDeltas }: CpuProfile): Call {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const self = new Map<number, number>()
  for (const [index, id] of samples.entries()) self.set(id, (self.get(id) ?? 0) + (timeDeltas[index] ?? 0))

  const build = (node: ProfileNode): Call => {
    const calls = (node.children ?? [])
      .map((id) => byId.get(id) as ProfileNode)
      .filter(({ callFrame }) => callFrame.functionName !== '(idle)')
      .map(build)
      .toSorted((a, b) => b.total - a.total)
    const own = self.get(node.id) ?? 0
    const total = calls.reduce((sum, call) => sum + call.total, own)
    return { ...describe(node.callFrame), self: own, total, calls }
  }
  const [first] = nodes
  if (first === undefined) throw new Error('the profile is empty')
  return build(first)
}

function describe({ functionName, url, lineNumber }: ProfileNode['callFrame']): {
  name: string
  place: string
  owner: Owner
} {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return { name, place: '', owner: 'engine' }
  if (!url.startsWith('file:')) return { name, place: `${url}:${lineNumber + 1}`, owner: 'node' }
  const path = relative(root, fileURLToPath(url))
  const inPackage = /.*node_modules\/(.*)/.exec(path)?.[1]
  const owner = inPackage === undefined ? 'portcullis' : 'packages'
  return { name, place: `${inPackage ?? path}:${lineNumber + 1}`, owner }
}
