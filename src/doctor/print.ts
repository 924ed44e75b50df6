import type { Finding, Mark } from './contract.ts'

const marks: Readonly<Record<Mark, string>> = { passed: '✓', warning: '!', failed: '✗', skipped: '-' }

/** One finding for people. Problems come with requirement, cause and fix. */
export function renderFinding({ mark, title, requirements, source, detail, cause, fix }: Finding): string {
  const first = `  ${marks[mark]} ${title}  [${requirements.join(', ')}]`
  if (mark === 'passed') return first
  if (mark === 'skipped') return `${first}\n      skipped: ${detail ?? ''}`
  return [first, `      cause: ${cause ?? ''}`, `      asked by: ${source}`, `      fix: ${fix ?? ''}`].join(
    '\n',
  )
}

/** How many ended in which way. */
export function countMarks(findings: readonly Finding[]): Readonly<Record<Mark, number>> {
  const counts = { passed: 0, warning: 0, failed: 0, skipped: 0 }
  for (const { mark } of findings) counts[mark]++
  return counts
}

/** The last line for people. */
export function renderSummary(findings: readonly Finding[]): string {
  const { passed, warning, failed, skipped } = countMarks(findings)
  return `${passed} passed, ${warning} with a warning, ${failed} failed, ${skipped} skipped`
}
