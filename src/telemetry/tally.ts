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

/** A counter that is told to prom-client when somebody asks, and costs a look into a map until then. */
export function tally<Label extends string>({ labelNames, ...options }: TallyOptions<Label>): Tally<Label> {
  const counts = new Map<string, { readonly labels: Readonly<Record<Label, string>>; count: number }>()
  const counter = new Counter({
    ...options,
    labelNames,
    collect() {
      for (const entry of counts.values()) {
        counter.inc(entry.labels, entry.count)
        entry.count = 0
      }
    },
  })
  return {
    add(labels) {
      let key = ''
      for (const name of labelNames) key += `${labels[name]}\n`
      const entry = counts.get(key)
      if (entry === undefined) counts.set(key, { labels, count: 1 })
      else entry.count++
    },
  }
}
