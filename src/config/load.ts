import { withoutTrailingSlash } from '../core/resource.ts'
import { minSecretLength } from './client-schema.ts'
import { closest } from './closest.ts'
import { crossCheck } from './cross-check.ts'
import { readEnvironment } from './environment.ts'
import { type ConfigFile, readConfigFile } from './file.ts'
import { ConfigurationInvalid, type Problem, writePath } from './problems.ts'
import { checkPair } from './read-pair.ts'
import { type Config, type ConfigInput, configSchema, type ParsedConfig } from './schema.ts'
import { listSettings } from './settings.ts'

interface Sources {
  /** What the command itself sets; everything else overrides it. */
  readonly base?: ConfigInput
  /** Path of a YAML file. */
  readonly file?: string | undefined
  readonly environment?: NodeJS.ProcessEnv
  /** What flags set; they override everything else. */
  readonly flags?: object
  /** Whether a configuration without an MCP server is a problem. */
  readonly needsServer?: boolean
  /**
   * The moment at which the certificate of `listen.tls` must be good, in milliseconds since the Unix epoch. Without it
   * nobody looks: whoever works on the store alone need not be able to read a private key.
   */
  readonly certificateAt?: number | undefined
}

const noFile: ConfigFile = { values: {}, problems: [], locate: () => undefined }

/**
 * Reads a configuration: the command's own values, then the file, the environment and the flags, each overriding the
 * one before. Throws ConfigurationInvalid with every problem and its path.
 */
export function loadConfig({
  base = {},
  file,
  environment = {},
  flags = {},
  needsServer = false,
  certificateAt,
}: Sources): Config {
  const problems: Problem[] = []
  const fromFile: ConfigFile = file === undefined ? noFile : readConfigFile(file)
  const fromEnvironment = readEnvironment(environment)
  problems.push(...fromFile.problems, ...fromEnvironment.problems)
  const merged = [fromFile.values, fromEnvironment.values, flags].reduce(merge, base)
  const secrets = resolveStoreUrl(resolveSecrets(merged, environment, problems), environment, problems)
  const parsed = configSchema.safeParse(secrets)
  problems.push(...(parsed.error?.issues ?? []).flatMap((issue) => describeIssue(issue, fromFile)))
  const valid = parsed.data ?? validPart(secrets)
  const rules = crossCheck(valid)
  if (certificateAt !== undefined) rules.push(...checkPair(valid, certificateAt))
  problems.push(
    ...rules.map(({ path, message }) => ({ path: writePath(path), message, place: fromFile.locate(path) })),
  )
  if (needsServer && problems.length === 0 && parsed.data?.upstreams.length === 0) {
    problems.push({
      path: 'upstreams',
      message: `must name at least one MCP server${file === undefined ? ', in a file that -c names' : ''}`,
    })
  }
  if (parsed.data === undefined || problems.length > 0) throw new ConfigurationInvalid(problems)
  const publicUrl = withoutTrailingSlash(
    new URL(parsed.data.publicUrl ?? `http://127.0.0.1:${parsed.data.listen.gateway}`).href,
  )
  const { mode, login } = parsed.data
  const users = login.users ?? (mode === 'production' ? 'local' : 'development')
  return deepFreeze({ ...parsed.data, publicUrl, login: { ...login, users } })
}

function merge(lower: object, higher: object): object {
  const merged: Record<string, unknown> = { ...lower }
  for (const [key, value] of Object.entries(higher)) {
    const before = merged[key]
    merged[key] = isPlainObject(before) && isPlainObject(value) ? merge(before, value) : value
  }
  return merged
}

/** Client secrets may name a variable, `$NAME`, so that a file holds none. */
function resolveSecrets(config: object, environment: NodeJS.ProcessEnv, problems: Problem[]): object {
  const { clients } = config as { clients?: unknown }
  if (!Array.isArray(clients)) return config
  const resolved = clients.map((client: unknown, index) => {
    if (!isPlainObject(client)) return client
    const secret = (client as { secret?: unknown }).secret
    if (typeof secret !== 'string' || !secret.startsWith('$')) return client
    const value = environment[secret.slice(1)]
    if (value === undefined) {
      problems.push({ path: `clients[${index}].secret`, message: `the variable ${secret} is not set` })
    }
    // One problem for one mistake: the length of what is not there is none.
    return { ...client, secret: value ?? 'x'.repeat(minSecretLength) }
  })
  return { ...config, clients: resolved }
}

/** The URL of the store holds a password, so it may name a variable as well. */
function resolveStoreUrl(config: object, environment: NodeJS.ProcessEnv, problems: Problem[]): object {
  const { store } = config as { store?: unknown }
  const url = isPlainObject(store) ? (store as { url?: unknown }).url : undefined
  if (typeof url !== 'string' || !url.startsWith('$')) return config
  const value = environment[url.slice(1)]
  if (value === undefined) problems.push({ path: 'store.url', message: `the variable ${url} is not set` })
  return { ...config, store: { ...(store as object), url: value } }
}

interface Issue {
  readonly path: PropertyKey[]
  readonly message: string
  readonly code?: string
  readonly keys?: string[]
}

function describeIssue({ path, message, code, keys = [] }: Issue, file: ConfigFile): Problem[] {
  if (code !== 'unrecognized_keys') {
    return [{ path: writePath(path) || 'configuration', message, place: file.locate(path) }]
  }
  return keys.map((key) => {
    const meant = closest(key, keysAt(path))
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`
    const place = file.locate([...path, key])
    return { path: writePath([...path, key]), message: `there is no such setting${hint}`, place }
  })
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  const names = path.map((key) => (typeof key === 'number' ? '[]' : key))
  return listSettings()
    .filter((setting) => names.every((name, index) => setting.path[index] === name))
    .flatMap((setting) => setting.path[names.length] ?? [])
}

/** The settings that are right on their own, so that the rules between settings can be checked for these. */
function validPart(config: object): Partial<ParsedConfig> {
  const valid: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(configSchema.shape)) {
    const parsed = field.safeParse((config as Record<string, unknown>)[key])
    if (parsed.success) valid[key] = parsed.data
  }
  return valid
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFreeze(child)
  }
  return value
}
