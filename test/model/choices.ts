/** What a command chooses from what there is at its time. Shrinking makes each choice the first one. */
export interface Choices {
  /** One of a list. Throws if it is empty. */
  of<Value>(list: readonly Value[]): Value
  /** The same, but mostly the last, so that what happens has to do with what happened before. */
  recent<Value>(list: readonly Value[]): Value
  /** A whole number below a bound. */
  below(bound: number): number
  /** True once in so many times. */
  once(times: number): boolean
}

/** Choices from random numbers, in their order; when they are used up, the first of everything. */
export function choicesFrom(numbers: readonly number[]): Choices {
  let used = 0
  const below = (bound: number): number => (numbers[used++] ?? 0) % bound
  const of = <Value>(list: readonly Value[]): Value => {
    if (list.length === 0) throw new Error('there is nothing to choose from')
    return list[below(list.length)] as Value
  }
  return {
    below,
    of,
    recent: (list) => (below(3) < 2 && list.length > 0 ? (list.at(-1) as (typeof list)[number]) : of(list)),
    once: (times) => below(times) === times - 1,
  }
}
