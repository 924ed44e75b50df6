import { closest } from '../closest.ts'
import { problem, type RuleProblem } from '../problems.ts'
import { listSettings } from '../settings.ts'

interface Issue {
  readonly path: PropertyKey[]
  readonly message: string
  readonly code?: string
  readonly keys?: string[]
  /** For a union: what each of its branches found, with paths relative to this one. */
  readonly errors?: readonly (readonly Issue[])[]
}

/** An issue that zod found, as problems: one for each key that the schema does not know. */
export function issueProblems({ path, message, code, keys = [], errors }: Issue): RuleProblem[] {
  // The branch that looked inside the value is the one that was meant; the others only say that the value is
  // not theirs.
  const meant = errors?.find((issues) => issues.some((issue) => issue.path.length > 0 || issue.keys))
  if (meant !== undefined) {
    return meant.flatMap((issue) => issueProblems({ ...issue, path: [...path, ...issue.path] }))
  }
  if (code !== 'unrecognized_keys') return [problem(path, message)]
  const known = keysAt(path)
  return keys.map((key) => {
    // Of a union, it may be in another branch.
    if (known.includes(key)) return problem([...path, key], 'is a setting of another kind: take it away')
    const close = closest(key, known)
    const hint = close === undefined ? '' : `; did you mean ${close}?`
    return problem([...path, key], `there is no such setting${hint}`)
  })
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  const names = path.map((key) => (typeof key === 'number' ? '[]' : key))
  return listSettings()
    .filter((setting) => names.every((name, index) => setting.path[index] === name))
    .flatMap((setting) => setting.path[names.length] ?? [])
}
