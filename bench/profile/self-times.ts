import type { Call } from './call-tree.ts'

/**
 * A table of the functions with the most self time, whoever calls them, followed by the share of each owner.
 */
export function renderSelfTimes(tree: Call, top: number): string {
  const functions = new Map<string, { readonly call: Call; time: number }>()
  const owners = new Map<string, number>()
  const visit = (call: Call): void => {
    const key = `${call.name} ${call.place}`
    const known = functions.get(key)
    if (known === undefined) functions.set(key, { call, time: call.self })
    else known.time += call.self
    owners.set(call.owner, (owners.get(call.owner) ?? 0) + call.self)
    call.calls.forEach(visit)
  }
  visit(tree)
  const share = (time: number): string => `${((100 * time) / tree.total).toFixed(1).padStart(5)} %`
  const rows = [...functions.values()]
    .toSorted((a, b) => b.time - a.time)
    .slice(0, top)
    .map(({ call, time }) => `${share(time)}  ${call.name.padEnd(36)} ${call.place}`)
  const sums = [...owners]
    .toSorted(([, a], [, b]) => b - a)
    .map(([owner, time]) => `${owner} ${share(time).trim()}`)
  return `Time of its own, of ${(tree.total / 1e6).toFixed(2)} s that were busy\n\n${rows.join('\n')}\n\n${sums.join(', ')}`
}
