import type { Finding, Mark } from './contract.ts'

const marks: Readonly<Record<Mark, string>> = { passed: '✓', warning: '!', failed: '✗', skipped: '-' }

/** One finding for people. Problems include requirement, cause and fix. */
export function renderFinding({ mark, title, requirements, source, cause, fix }: Finding): string {
  const first = `  ${marks[mark]} ${title}  [${requirements.join(', ')}]`
  if (cause === undefined) return first
  return [first, `      cause: ${cause}`, `      asked by: ${source}`, `      fix: ${fix ?? ''}`].join('\n')
}

/** How many checks ended in which way. */
export function countMarks(findings: readonly Finding[]): Readonly<Record<Mark, number>> {
  const counts = { passed: 0, warning: 0, failed: 0, skipped: 0 }
  for (const { mark } of findings) counts[mark]++
  return counts
}

/** The conclusion for people: what was not checked and why, and how many checks ended in which way. */
export function renderEnd(findings: readonly Finding[]): string {
  const skipped = findings.filter(({ mark }) => mark === 'skipped')
  const lines = [...Map.groupBy(skipped, ({ detail }) => detail ?? '')].flatMap(([reason, group]) => [
    `\nNot checked: ${reason}`,
    ...group.map(renderFinding),
  ])
  const { passed, warning, failed } = countMarks(findings)
  const summary = `${passed} passed, ${warning} with a warning, ${failed} failed, ${skipped.length} skipped`
  return [...lines, '', summary].join('\n')
}
