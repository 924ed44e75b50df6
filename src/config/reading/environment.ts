import { closest } from '../closest.ts'
import { type Problem, writePath } from '../problems.ts'
import { listSettings, type Setting } from '../settings.ts'
import type { Layer } from './places.ts'
import { fileSuffix, readVariable } from './read-variable.ts'

/** Names the file to read, for commands that take `--config`. */
export const fileVariable = 'PORTCULLIS_CONFIG'
/** Has the secret of the client as which `portcullis doctor` connects. */
export const doctorSecretVariable = 'PORTCULLIS_DOCTOR_CLIENT_SECRET'
/** What variables with our prefix are besides settings. */
const otherVariables: ReadonlySet<string> = new Set([fileVariable, doctorSecretVariable])

/**
 * Settings from environment variables, or from the files that variables with the suffix `_FILE` name, with
 * the problems found on the way. Lists are separated by commas.
 */
export function readEnvironment(environment: NodeJS.ProcessEnv): Layer & { readonly problems: Problem[] } {
  const values: Record<string, unknown> = {}
  const names = new Map<string, string>()
  const problems: Problem[] = []
  const settings = new Map(
    listSettings().flatMap((setting) =>
      setting.variable === undefined ? [] : [[setting.variable, setting]],
    ),
  )
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('PORTCULLIS_') || otherVariables.has(variable) || text === undefined) continue
    const own = settings.get(variable)
    const name =
      own === undefined && variable.endsWith(fileSuffix) ? variable.slice(0, -fileSuffix.length) : variable
    const setting = own ?? settings.get(name)
    if (setting === undefined) {
      const known = [...settings.keys()].flatMap((one) => [one, one + fileSuffix])
      const hint = hintFor(variable, known, environment)
      problems.push({ path: variable, message: `there is no such setting${hint}` })
      continue
    }
    // That both are set is a problem of the variable itself, and told there.
    if (name !== variable && environment[name] !== undefined) continue
    const read = readVariable(environment, name)
    if ('problem' in read) problems.push({ path: variable, message: read.problem })
    else if (read.value !== undefined) {
      setAt(values, setting.path, convert(setting, read.value))
      names.set(writePath(setting.path), variable)
    }
  }
  return { values, names, problems }
}

/** What an unknown variable was probably meant to be, or where it comes from. */
function hintFor(variable: string, known: readonly string[], environment: NodeJS.ProcessEnv): string {
  const close = closest(variable, known)
  if (close !== undefined) return `; did you mean ${close}?`
  const isOfService = /_SERVICE_(?:HOST|PORT)|_PORT(?:$|_\d)/.test(variable)
  return isOfService && environment['KUBERNETES_SERVICE_HOST'] !== undefined
    ? '; Kubernetes sets it for a Service with this name: set enableServiceLinks: false in the spec of the pod'
    : ''
}

/** Sets a value at a path, creating objects on the way. */
function setAt(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]]
  if (rest.length === 0) target[key] = value
  else setAt((target[key] ??= {}) as Record<string, unknown>, rest, value)
}

function convert(setting: Setting, text: string): unknown {
  if (setting.type.startsWith('list')) return text.split(',').map((item) => item.trim())
  if (setting.type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true'
  if (setting.type === 'number' && /^-?(?:\d+(?:\.\d+)?|\.\d+)$/.test(text)) return Number(text)
  return setting.type === 'integer' && /^-?\d+$/.test(text) ? Number(text) : text
}
