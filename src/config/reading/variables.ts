import { isJsonObject } from '../../core/json-object.ts'
import { problem, type RuleProblem } from '../problems.ts'
import { minSecretLength } from '../schema/client-schema.ts'
import { fileSuffix, readVariable } from './read-variable.ts'

interface Place {
  /** The segment `[]` stands for every item of a list. */
  readonly path: readonly string[]
  /**
   * The value to use if the variable is not set, so that a missing value is not reported as a wrong one, too.
   */
  readonly otherwise?: string
}

const someSecret = 'x'.repeat(minSecretLength)
const credential = ['upstreams', '[]', 'credential']

/** The settings that may name an environment variable, `$NAME`, so that a file contains no secrets. */
const ownPlaces: readonly Place[] = [
  { path: ['clients', '[]', 'secret'], otherwise: someSecret },
  { path: [...credential, 'token'], otherwise: someSecret },
  { path: [...credential, 'value'], otherwise: someSecret },
  { path: [...credential, 'clientSecret'], otherwise: someSecret },
  { path: ['login', 'providers', '[]', 'clientSecret'], otherwise: someSecret },
  { path: ['issuers', '[]', 'introspection', 'clientSecret'], otherwise: someSecret },
  { path: ['registration', 'initialAccessToken'], otherwise: someSecret.repeat(4) },
  { path: ['limits', 'redis'] },
]

/** All of them, with those of tenants. */
export const variablePlaces: readonly Place[] = [
  ...ownPlaces,
  ...ownPlaces.map(({ path, ...place }) => ({ ...place, path: ['tenants', '[]', ...path] })),
  { path: ['secret'], otherwise: someSecret.repeat(6) },
  { path: ['store', 'url'] },
  { path: ['listen', 'metricsToken'], otherwise: someSecret.repeat(4) },
  { path: ['audit', 'sinks', '[]', 'token'], otherwise: someSecret },
  { path: ['audit', 'sinks', '[]', 'url'] },
  { path: ['traces', 'authorization'], otherwise: someSecret },
]

/** A configuration with the values of the variables that it names, and what is wrong with those variables. */
interface Resolved {
  readonly config: object
  /** The variables that it names, and those that name a file in their place. */
  readonly names: readonly string[]
  readonly problems: readonly RuleProblem[]
}

/** It repeats nothing, since a secret may begin so. */
const notAName =
  'must be $ and the name of a variable alone, such as $NAME; a value that begins with $ belongs in such a variable'

/** Replaces the names of variables by their values. A variable that is not set becomes a problem. */
export function resolveVariables(config: object, environment: NodeJS.ProcessEnv): Resolved {
  const problems: RuleProblem[] = []
  const names: string[] = []
  const resolve = (path: readonly PropertyKey[], otherwise: string | undefined, text: unknown): unknown => {
    if (typeof text !== 'string' || !text.startsWith('$')) return text
    const name = text.slice(1)
    if (!/^[^\s=$(){}]+$/.test(name)) {
      problems.push(problem(path, notAName))
      return otherwise
    }
    names.push(name, name + fileSuffix)
    const read = readVariable(environment, name)
    if ('problem' in read) {
      problems.push(problem(path, `the variable ${text} ${read.problem}`))
      return otherwise
    }
    if (read.value === undefined) problems.push(problem(path, `the variable ${text} is not set`))
    return read.value ?? otherwise
  }
  const resolved = variablePlaces.reduce(
    (partly, { path, otherwise }) =>
      replaceAt(partly, path, (at, text) => resolve(at, otherwise, text)) as object,
    config,
  )
  return { config: resolved, names, problems }
}

/** A copy in which everything at a path is replaced. */
function replaceAt(
  value: unknown,
  [key, ...rest]: readonly string[],
  replace: (at: readonly PropertyKey[], value: unknown) => unknown,
  at: readonly PropertyKey[] = [],
): unknown {
  if (key === undefined) return replace(at, value)
  if (key === '[]') {
    return Array.isArray(value)
      ? value.map((item: unknown, index) => replaceAt(item, rest, replace, [...at, index]))
      : value
  }
  if (!isJsonObject(value) || !Object.hasOwn(value, key)) return value
  return { ...value, [key]: replaceAt(value[key], rest, replace, [...at, key]) }
}
