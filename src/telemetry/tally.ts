import { Counter, type Registry } from 'prom-client'

/** Counts by labels. */
export interface Tally<Label extends string> {
  add(labels: Readonly<Record<Label, string>>): void
}

interface TallyOptions<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Label[]
  readonly registers: Registry[]
}

/** A counter that is passed to prom-client when somebody asks, and until then only costs a map lookup. */
export function tally<Label extends string>({ labelNames, ...options }: TallyOptions<Label>): Tally<Label> {
  const root: Branch = { next: new Map(), count: 0 }
  const counter = new Counter({
    ...options,
    labelNames,
    collect() {
      tell(root, [])
    },
  })
  return {
    add(labels) {
      let branch = root
      for (const name of labelNames) branch = follow(branch, labels[name])
      branch.count++
    },
  }

  function tell(branch: Branch, values: readonly string[]): void {
    if (branch.count > 0) counter.labels(...values).inc(branch.count)
    branch.count = 0
    for (const [value, next] of branch.next) tell(next, [...values, value])
  }
}

/** Nested by label: string literals are found at once, while a concatenated key would be hashed each time. */
interface Branch {
  readonly next: Map<string, Branch>
  count: number
}

function follow({ next }: Branch, value: string): Branch {
  let branch = next.get(value)
  if (branch === undefined) {
    branch = { next: new Map(), count: 0 }
    next.set(value, branch)
  }
  return branch
}
