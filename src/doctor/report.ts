import { displayText } from '../core/display-text.ts'
import { type CheckName, checkOf } from './checks.ts'
import type { Finding, Mark } from './contract.ts'

/** Collects findings. What a server said is made harmless, and secrets are removed, before it is stored. */
export interface Report {
  readonly findings: readonly Finding[]
  pass(check: CheckName, detail?: string): void
  /** `fix` replaces that of the check if the step knows better. */
  warn(check: CheckName, cause: string, fix?: string): void
  fail(check: CheckName, cause: string, fix?: string): void
  skip(check: CheckName, reason: string): void
  has(check: CheckName): boolean
  /** From now on this text is never shown. */
  hide(secret: string): void
}

const longest = 600
const shortest = 4

/** An empty report. `onFinding` is called with each finding as it is made. */
export function createReport(onFinding: (finding: Finding) => void): Report {
  const findings: Finding[] = []
  const secrets = new Set<string>()

  const clean = (text: string): string => {
    let shown = text
    for (const secret of secrets) shown = shown.replaceAll(secret, '[hidden]')
    return displayText(shown, longest)
  }
  const add = (check: CheckName, mark: Mark, rest: Pick<Finding, 'detail' | 'cause' | 'fix'>): void => {
    const { stage, title, requirements, source } = checkOf(check)
    const finding = { check, mark, stage, title, requirements, source, ...rest }
    findings.push(finding)
    onFinding(finding)
  }
  const complain =
    (mark: 'warning' | 'failed') =>
    (check: CheckName, cause: string, fix?: string): void =>
      add(check, mark, { cause: clean(cause), fix: clean(fix ?? checkOf(check).fix) })

  return {
    findings,
    pass: (check, detail) => add(check, 'passed', detail === undefined ? {} : { detail: clean(detail) }),
    warn: complain('warning'),
    fail: complain('failed'),
    skip: (check, reason) => add(check, 'skipped', { detail: clean(reason) }),
    has: (check) => findings.some((finding) => finding.check === check),
    hide(secret) {
      // Shorter ones would hide ordinary words, and are not secrets.
      if (secret.length < shortest) return
      const inForm = new URLSearchParams({ '': secret }).toString().slice(1)
      for (const spelling of [secret, encodeURIComponent(secret), inForm]) secrets.add(spelling)
    },
  }
}
