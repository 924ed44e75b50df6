import { isDeepStrictEqual } from 'node:util'
import { isJsonObject } from '../core/json-object.ts'
import { checkPorts } from './check-ports.ts'
import { closest } from './closest.ts'
import { completeLogin } from './complete-login.ts'
import { crossCheck } from './cross-check.ts'
import { readEnvironment } from './environment.ts'
import { type ConfigFile, readConfigFile } from './file.ts'
import { deepFreeze } from './freeze.ts'
import { flagNames, placeOf } from './places.ts'
import { ConfigurationInvalid, type Problem, type RuleProblem, writePath } from './problems.ts'
import { publicUrlOf } from './public-url.ts'
import { checkPair } from './read-pair.ts'
import { type Config, type ConfigInput, configSchema } from './schema.ts'
import { listSettings } from './settings.ts'
import { validPart } from './valid-part.ts'
import { resolveVariables } from './variables.ts'
import { wordIssue } from './word-issue.ts'

interface Sources {
  /** What the command itself sets; everything else overrides it. */
  readonly base?: ConfigInput
  /** Path of a YAML file. */
  readonly file?: string | undefined
  readonly environment?: NodeJS.ProcessEnv
  /** What flags set; they override everything else. */
  readonly flags?: object
  /**
   * Whether the configuration is to be served, in which case it needs an MCP server, and a port for each
   * listener.
   */
  readonly needsServer?: boolean
  /**
   * The time at which the certificate of `listen.tls` must be valid, in milliseconds since the Unix epoch.
   * Without it, the certificate is not checked, so that users who only work on the store need not be able to
   * read a private key.
   */
  readonly certificateAt?: number | undefined
}

const noFile: ConfigFile = { values: {}, problems: [], locate: () => undefined }

/**
 * Reads a configuration: the command's own values, then the file, the environment and the flags, each
 * overriding the one before. Throws ConfigurationInvalid with all problems and their paths.
 */
export function loadConfig({
  base = {},
  file,
  environment = {},
  flags = {},
  needsServer = false,
  certificateAt,
}: Sources): Config {
  const fromFile: ConfigFile = file === undefined ? noFile : readConfigFile(file)
  const fromEnvironment = readEnvironment(environment)
  const layers = {
    base: { values: base, names: flagNames },
    file: fromFile,
    environment: fromEnvironment,
    flags: { values: flags, names: flagNames },
  }
  const place = ({ path, message }: RuleProblem): Problem => {
    return { path: writePath(path) || 'configuration', message, place: placeOf(path, layers) }
  }
  const merged = [fromFile.values, fromEnvironment.values, flags].reduce(merge, base)
  const unset: RuleProblem[] = []
  const secrets = resolveVariables(merged, environment, unset)
  const parsed = configSchema.safeParse(secrets, { error: wordIssue })
  const refused = (parsed.error?.issues ?? []).flatMap(describeIssue)
  const { config: valid, pathInWhole } =
    parsed.data === undefined ? validPart(secrets) : { config: parsed.data, pathInWhole: asItIs }
  const wrong = [...unset, ...refused]
  const rules = [...crossCheck(valid), ...(needsServer ? checkPorts(valid) : [])].filter(({ path, needs }) =>
    needs === undefined
      ? !wrong.some((one) => isDeepStrictEqual(one.path, pathInWhole(path)))
      : !wrong.some((one) => begins(one.path, pathInWhole(needs))),
  )
  if (certificateAt !== undefined) rules.push(...checkPair(valid, certificateAt))
  const broken = rules.map(({ path, message }) => ({ path: pathInWhole(path), message }))
  const problems = [...fromFile.problems, ...fromEnvironment.problems, ...[...wrong, ...broken].map(place)]
  const { upstreams, tenants } = valid
  if (needsServer && problems.length === 0 && upstreams?.length === 0 && tenants?.length === 0) {
    problems.push({
      path: 'upstreams',
      message: `must name at least one MCP server${file === undefined ? ', in a file that -c names' : ''}`,
    })
  }
  if (parsed.data === undefined || problems.length > 0) throw new ConfigurationInvalid(problems)
  const publicUrl = publicUrlOf(parsed.data)
  const { mode } = parsed.data
  const completed = parsed.data.tenants.map((tenant) => {
    return { ...tenant, login: completeLogin({ mode, login: tenant.login }) }
  })
  return deepFreeze({ ...parsed.data, publicUrl, login: completeLogin(parsed.data), tenants: completed })
}

function merge(lower: object, higher: object): object {
  const merged: Record<string, unknown> = { ...lower }
  for (const [key, value] of Object.entries(higher)) {
    const before = merged[key]
    merged[key] = isJsonObject(before) && isJsonObject(value) ? merge(before, value) : value
  }
  return merged
}

interface Issue {
  readonly path: PropertyKey[]
  readonly message: string
  readonly code?: string
  readonly keys?: string[]
  /** For a union: what each of its branches found, with paths relative to this one. */
  readonly errors?: readonly (readonly Issue[])[]
}

function describeIssue({ path, message, code, keys = [], errors }: Issue): RuleProblem[] {
  // The branch that looked inside the value is the one that was meant; the others only say that the value is
  // not theirs.
  const meant = errors?.find((issues) => issues.some((issue) => issue.path.length > 0 || issue.keys))
  if (meant !== undefined) {
    return meant.flatMap((issue) => describeIssue({ ...issue, path: [...path, ...issue.path] }))
  }
  if (code !== 'unrecognized_keys') return [{ path, message }]
  return keys.map((key) => {
    const close = closest(key, keysAt(path))
    const hint = close === undefined ? '' : `; did you mean ${close}?`
    return { path: [...path, key], message: `there is no such setting${hint}` }
  })
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  const names = path.map((key) => (typeof key === 'number' ? '[]' : key))
  return listSettings()
    .filter((setting) => names.every((name, index) => setting.path[index] === name))
    .flatMap((setting) => setting.path[names.length] ?? [])
}

function begins(path: readonly PropertyKey[], start: readonly PropertyKey[]): boolean {
  return isDeepStrictEqual(path.slice(0, start.length), start)
}

function asItIs<T>(path: T): T {
  return path
}
