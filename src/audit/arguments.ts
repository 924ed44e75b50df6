import { keyedDigest } from '../core/secret.ts'
import { scrub } from '../telemetry/scrub.ts'
import type { ArgumentsRecord } from './event.ts'

/** What the operator wants recorded of the arguments of calls. */
export interface ArgumentsRule {
  /** `omit`: nothing; `hash`: a keyed hash; `redact`: a copy without secrets. */
  readonly arguments: 'omit' | 'hash' | 'redact'
  /**
   * For `redact`: names of members, or paths such as `user.email`, in any case, in addition to those that
   * look like secrets.
   */
  readonly redact: readonly string[]
}

/** Decides what of the arguments of a call is recorded. Arguments are untrusted. */
export type DescribeArguments = (value: unknown) => ArgumentsRecord

const secretName =
  /pass(?:word|wd|phrase|code)|secret|token|authorization|api[-_]?key|private[-_]?key|credential|cookie|assertion|session/i
/** What is a secret as a whole word only, unlike in `compass` or `bypass`: `pass`, `db_pwd`, `userPass`. */
const secretWord =
  /(?:^|[^A-Za-z])(?:pass|pwd|otp|jwt)$|(?:^|[^A-Za-z])(?:PASS|PWD|OTP|JWT)$|(?:Pass|Pwd|Otp|Jwt)$/
const redacted = '[redacted]'
/** A longer copy is not kept; its hash is. */
const maxLength = 4096

/**
 * Implements a rule; undefined if arguments are omitted. The `key` prevents guessing hashes of few possible
 * values.
 */
export function describeArguments(rule: ArgumentsRule, key: Uint8Array): DescribeArguments | undefined {
  if (rule.arguments === 'omit') return undefined
  const hashOf = keyedDigest(key)
  const digest = (value: unknown): ArgumentsRecord => ({ hash: hashOf(canonicalJson(value)) })
  if (rule.arguments === 'hash') return digest
  const names = rule.redact.map((name) => name.toLowerCase())
  const named: Named = { names: new Set(names), longest: Math.max(0, ...names.map(({ length }) => length)) }
  return (value) => {
    const copy = redact(value, named, '')
    return JSON.stringify(copy).length > maxLength ? digest(value) : { redacted: copy }
  }
}

/** JSON with sorted members (RFC 8785): the same for the same value, however it was written. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

/** What the operator has named, in lower case. */
interface Named {
  readonly names: ReadonlySet<string>
  /** No longer text is one of them, whatever a caller sends: only others are put in lower case. */
  readonly longest: number
}

function redact(value: unknown, named: Named, path: string): unknown {
  if (typeof value === 'string') return scrub(value)
  if (Array.isArray(value)) return value.map((item: unknown) => redact(item, named, path))
  if (typeof value !== 'object' || value === null) return value ?? null
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const at = path === '' ? name : `${path}.${name}`
      const hides = looksSecret(name) || isNamed(name, named) || isNamed(at, named)
      return [scrub(name), hides ? redacted : redact(member, named, at)]
    }),
  )
}

function looksSecret(name: string): boolean {
  return secretName.test(name) || secretWord.test(name)
}

function isNamed(text: string, { names, longest }: Named): boolean {
  return text.length <= longest && names.has(text.toLowerCase())
}
