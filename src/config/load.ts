import { isDeepStrictEqual } from 'node:util'
import { isJsonObject } from '../core/json-object.ts'
import { checkPorts } from './checks/check-ports.ts'
import { crossCheck } from './checks/cross-check.ts'
import { completeLogin } from './complete-login.ts'
import { deepFreeze } from './freeze.ts'
import { ConfigurationInvalid, type Problem, problem, type RuleProblem, writePath } from './problems.ts'
import { publicUrlOf } from './public-url.ts'
import { readEnvironment } from './reading/environment.ts'
import { noFile, readConfigFile } from './reading/file.ts'
import { issueMessage } from './reading/issue-message.ts'
import { issueProblems } from './reading/issue-problems.ts'
import { flagNames, placeOf } from './reading/places.ts'
import { checkPair } from './reading/read-pair.ts'
import { type ValidPart, validPart } from './reading/valid-part.ts'
import { resolveVariables } from './reading/variables.ts'
import {
  type Config,
  type ConfigInput,
  configSchema,
  type ParsedConfig,
  type UpstreamConfig,
} from './schema.ts'

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

/**
 * Reads a configuration: the command's own values, then the file, the environment and the flags, each
 * overriding the one before. Throws ConfigurationInvalid with all problems and their paths.
 */
export function loadConfig(sources: Sources): Config {
  const { base = {}, file, environment = {}, flags = {}, needsServer = false } = sources
  const layers = {
    base: { values: base, names: flagNames },
    file: file === undefined ? noFile : readConfigFile(file),
    environment: readEnvironment(environment),
    flags: { values: flags, names: flagNames },
  }
  // What such a file sets is unknown, so that anything else would only seem to be missing.
  if (layers.file.problems.length > 0)
    throw new ConfigurationInvalid([...layers.file.problems, ...layers.environment.problems])
  const place = ({ path, message }: RuleProblem): Problem => {
    return { path: writePath(path) || 'configuration', message, place: placeOf(path, layers) }
  }
  const merged = [layers.file.values, layers.environment.values, flags].reduce(merge, base)
  const { config: resolved, names, problems: unset } = resolveVariables(merged, environment)
  const { data, error } = configSchema.safeParse(resolved, { error: issueMessage })
  const issues = (error?.issues ?? []).flatMap(issueProblems)
  const wrong = [
    ...unset,
    ...issues.filter(({ path }) => !unset.some((one) => isDeepStrictEqual(one.path, path))),
  ]
  const valid = data === undefined ? validPart(resolved) : { config: data, pathInWhole: asItIs }
  const problems = [
    ...layers.environment.problems,
    ...[...wrong, ...brokenRules(valid, wrong, sources)].map(place),
  ]
  if (data === undefined || problems.length > 0)
    throw new ConfigurationInvalid(problems, undefined, policyFilesIn(resolved))
  if (needsServer && data.upstreams.length === 0 && data.tenants.length === 0) {
    const where = file === undefined ? ', in a file that -c names' : ''
    const message = `must name at least one MCP server${where}`
    throw new ConfigurationInvalid([{ path: 'upstreams', message }])
  }
  return complete(data, names)
}

/** The files with policies that a configuration names, which may be wrong in any respect. */
function policyFilesIn(config: unknown): string[] {
  if (!isJsonObject(config)) return []
  const { policies, tenants } = config
  const named = Array.isArray(policies) ? policies.filter((one) => typeof one === 'string') : []
  return [...named, ...(Array.isArray(tenants) ? tenants.flatMap(policyFilesIn) : [])]
}

/** The rules that are broken, without those that only seem to be, because of what is wrong already. */
function brokenRules(
  { config, pathInWhole }: ValidPart,
  wrong: readonly RuleProblem[],
  { needsServer = false, certificateAt }: Sources,
): RuleProblem[] {
  const broken = [...crossCheck(config), ...(needsServer ? checkPorts(config) : [])].filter(
    ({ path, needs }) =>
      needs === undefined
        ? !wrong.some((one) => isDeepStrictEqual(one.path, pathInWhole(path)))
        : !wrong.some((one) => startsWith(one.path, pathInWhole(needs))),
  )
  const ofCertificate = certificateAt === undefined ? [] : checkPair(config, certificateAt)
  return [...broken, ...ofCertificate].map(({ path, message }) => problem(pathInWhole(path), message))
}

/** Adds the defaults that depend on other settings, and which variables are secrets of ours. */
function complete(parsed: ParsedConfig, names: readonly string[]): Config {
  const { mode } = parsed
  const withhold = (upstream: UpstreamConfig): UpstreamConfig =>
    upstream.environment.includes('*') ? { ...upstream, withheld: [...new Set(names)].toSorted() } : upstream
  return deepFreeze({
    ...parsed,
    publicUrl: publicUrlOf(parsed),
    upstreams: parsed.upstreams.map(withhold),
    login: completeLogin(parsed),
    tenants: parsed.tenants.map((tenant) => {
      const login = completeLogin({ ...tenant, mode })
      return { ...tenant, upstreams: tenant.upstreams.map(withhold), login }
    }),
  })
}

function merge(lower: object, higher: object): object {
  const merged: Record<string, unknown> = { ...lower }
  for (const [key, value] of Object.entries(higher)) {
    const before = merged[key]
    merged[key] = isJsonObject(before) && isJsonObject(value) ? merge(before, value) : value
  }
  return merged
}

function startsWith(path: readonly PropertyKey[], start: readonly PropertyKey[]): boolean {
  return isDeepStrictEqual(path.slice(0, start.length), start)
}

function asItIs<T>(path: T): T {
  return path
}
