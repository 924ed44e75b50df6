/** What a command chooses from what there is at its time. Shrinking makes each choice the first one. */
export interface Choices {
  /** One of a list. Throws if it is empty. */
  of<Value>(list: readonly Value[]): Value
  /** A whole number below a bound. */
  below(bound: number): number
  /** True once in so many times. */
  once(times: number): boolean
}

/** Choices from random numbers, in their order; when they are used up, the first of everything. */
export function choicesFrom(numbers: readonly number[]): Choices {
  let used = 0
  const below = (bound: number): number => (numbers[used++] ?? 0) % bound
  return {
    below,
    of(list) {
      if (list.length === 0) throw new Error('there is nothing to choose from')
      return list[below(list.length)] as (typeof list)[number]
    },
    once: (times) => below(times) === times - 1,
  }
}
