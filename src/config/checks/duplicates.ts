/** The indexes of the values that an earlier one equals. What is undefined equals nothing. */
export function duplicates(values: readonly (string | undefined)[]): ReadonlySet<number> {
  const seen = new Set<string>()
  const found = new Set<number>()
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue
    if (seen.has(value)) found.add(index)
    seen.add(value)
  }
  return found
}
