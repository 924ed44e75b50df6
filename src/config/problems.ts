/** One thing that is wrong with a configuration. */
export interface Problem {
  /** The path, such as `upstreams[0].url`, or the name of a variable or flag. */
  readonly path: string
  readonly message: string
  /** The position in a file, such as `portcullis.yaml:3`. */
  readonly place?: string | undefined
}

/** One broken rule. */
export interface RuleProblem {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /**
   * What must be valid for the rule to apply; if something in it is wrong, the rule may only seem to be
   * broken.
   */
  readonly needs?: readonly PropertyKey[] | undefined
}

/** Everything that is wrong with a configuration, at once. */
export class ConfigurationInvalid extends Error {
  readonly problems: readonly Problem[]
  /** The files beside that of the configuration in which something may be wrong. */
  readonly files: readonly string[]

  constructor(problems: readonly Problem[], hint?: string, files: readonly string[] = []) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    const lines = [
      `the configuration has ${count}:`,
      ...problems.map((one) => `  ${writeProblem(one)}`),
      ...(hint === undefined ? [] : [hint]),
    ]
    super(lines.join('\n'))
    this.name = 'ConfigurationInvalid'
    this.problems = problems
    this.files = files
  }
}

/** A broken rule. Without `needs`, it applies unless its own setting is itself wrong. */
export function problem(
  path: readonly PropertyKey[],
  message: string,
  needs?: readonly PropertyKey[],
): RuleProblem {
  return { path, message, needs }
}

/** The problems of a part, as those of the configuration that has the part at a path. */
export function within(at: readonly PropertyKey[], problems: readonly RuleProblem[]): RuleProblem[] {
  return problems.map(({ path, message, needs }) =>
    problem([...at, ...path], message, needs && [...at, ...needs]),
  )
}

/** Writes a path of keys and indexes in the usual way: `upstreams[0].url`. */
export function writePath(path: readonly PropertyKey[]): string {
  const written = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return written.replace(/^\./, '')
}

/** A problem in one line. */
export function writeProblem({ path, message, place }: Problem): string {
  return `${path}: ${message}${place === undefined ? '' : ` (${place})`}`
}
