/** A value at one time of the run. */
export interface Point {
  readonly seconds: number
  readonly value: number
}

/** How a value developed. */
export interface Trend {
  /** Undefined if the run was too short to tell. */
  readonly grew: boolean | undefined
  /** By how much the least-squares line rises in the window. */
  readonly climb: number
  /** The medians of the first and of the last quarter of the window. */
  readonly first: number
  readonly last: number
}

const share = 0.1

/** The rule, in words. */
export const growthRule =
  'in the last two thirds of the run, both the least-squares line and the medians of the first and the last quarter ' +
  `rise by more than ${share * 100} % of the first median, and by more than the slack, and the last quarter goes on rising`

/**
 * The lowest value of the last `count` points, at each of them: what remains of a heap after garbage
 * collection.
 */
export function floorOf(points: readonly Point[], count: number): Point[] {
  return points.map(({ seconds }, index) => {
    const values = points.slice(Math.max(0, index + 1 - count), index + 1).map(({ value }) => value)
    return { seconds, value: Math.min(...values) }
  })
}

/**
 * Tells whether a value grew in the last two thirds of a run. `slack` never counts as growth; with fewer than
 * `minPoints` there is no result, since a value that fluctuates in waves needs several of them.
 */
export function judgeGrowth(points: readonly Point[], slack: number, minPoints = 12): Trend {
  const end = points.at(-1)?.seconds ?? 0
  const window = points.filter(({ seconds }) => seconds >= end / 3)
  const quarter = Math.max(1, Math.floor(window.length / 4))
  const first = median(window.slice(0, quarter).map(({ value }) => value))
  const before = median(window.slice(-2 * quarter, -quarter).map(({ value }) => value))
  const last = median(window.slice(-quarter).map(({ value }) => value))
  const climb = slope(window) * ((window.at(-1)?.seconds ?? 0) - (window[0]?.seconds ?? 0))
  const limit = Math.max(first * share, slack)
  // A leak rises by a third of it from each quarter to the next; a value that has reached its level does not.
  const goesOn = last - before > limit / 6
  const grew = window.length < minPoints ? undefined : climb > limit && last - first > limit && goesOn
  return { grew, climb, first, last }
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0
}

function slope(points: readonly Point[]): number {
  const meanX = points.reduce((sum, { seconds }) => sum + seconds, 0) / points.length
  const meanY = points.reduce((sum, { value }) => sum + value, 0) / points.length
  let above = 0
  let below = 0
  for (const { seconds, value } of points) {
    above += (seconds - meanX) * (value - meanY)
    below += (seconds - meanX) ** 2
  }
  return below === 0 ? 0 : above / below
}
