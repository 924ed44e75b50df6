import { readFileSync } from 'node:fs'
import { isMap, LineCounter, parseDocument } from 'yaml'
import { withoutTrailingSlash } from '../core/resource.ts'
import { crossCheck } from './cross-check.ts'
import { readEnvironment } from './environment.ts'
import { ConfigurationInvalid, type Problem, writePath } from './problems.ts'
import { type Config, type ConfigInput, configSchema, type ParsedConfig } from './schema.ts'

interface Sources {
  /** What the command itself sets; everything else overrides it. */
  readonly base?: ConfigInput
  /** Path of a YAML file. */
  readonly file?: string | undefined
  readonly environment?: NodeJS.ProcessEnv
  /** What flags set; they override everything else. */
  readonly flags?: object
}

/**
 * Reads a configuration: the command's own values, then the file, the environment and the flags, each overriding the
 * one before. Throws ConfigurationInvalid with every problem and its path.
 */
export function loadConfig({ base = {}, file, environment = {}, flags = {} }: Sources): Config {
  const problems: Problem[] = []
  const fromFile = file === undefined ? {} : readFile(file, problems)
  const fromEnvironment = readEnvironment(environment)
  problems.push(...fromEnvironment.problems)
  const merged = [fromFile, fromEnvironment.values, flags].reduce(merge, base)
  const secrets = resolveSecrets(merged, environment, problems)
  const parsed = configSchema.safeParse(secrets)
  problems.push(...(parsed.error?.issues ?? []).flatMap(describeIssue))
  problems.push(...crossCheck(parsed.data ?? validPart(secrets)))
  if (parsed.data === undefined || problems.length > 0) throw new ConfigurationInvalid(problems)
  const publicUrl = withoutTrailingSlash(
    new URL(parsed.data.publicUrl ?? `http://127.0.0.1:${parsed.data.listen.gateway}`).href,
  )
  return deepFreeze({ ...parsed.data, publicUrl })
}

function readFile(file: string, problems: Problem[]): object {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    problems.push({ path: file, message: `cannot be read: ${(error as Error).message}` })
    return {}
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0])
    problems.push({ path: `${file}:${line}:${col}`, message: error.message })
  }
  if (document.errors.length > 0 || document.contents === null) return {}
  if (isMap(document.contents)) return document.toJS() as object
  problems.push({ path: file, message: 'must hold settings, such as "publicUrl: https://mcp.example.com"' })
  return {}
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
    return { ...client, secret: value ?? secret }
  })
  return { ...config, clients: resolved }
}

function describeIssue(issue: {
  path: PropertyKey[]
  message: string
  code?: string
  keys?: string[]
}): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => ({
      path: writePath([...issue.path, key]),
      message: 'there is no such setting',
    }))
  }
  return [{ path: writePath(issue.path) || 'configuration', message: issue.message }]
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
