import { readFileSync } from 'node:fs'
import { problem, type RuleProblem } from '../problems.ts'
import { certificatesIn } from '../reading/certificates.ts'
import { unreadReason } from '../reading/unread-file.ts'
import { databaseUrlProblem } from '../schema/values.ts'
import type { ParsedConfig } from '../schema.ts'
import { duplicates } from './duplicates.ts'

/** The rules for the sinks of the audit: unique names, a database, and certificates that are and can be used. */
export function checkAudit({ audit, store }: Partial<ParsedConfig>): RuleProblem[] {
  const sinks = audit?.sinks ?? []
  const takenNames = duplicates(sinks.map(({ name }) => name))
  return sinks.flatMap((sink, index) => {
    const at = ['audit', 'sinks', index]
    const problems: RuleProblem[] = []
    if (takenNames.has(index))
      problems.push(problem([...at, 'name'], `"${sink.name}" is taken by an earlier sink`))
    if (sink.kind === 'postgres' && sink.url === undefined && store?.url === undefined)
      problems.push(problem([...at, 'url'], `${databaseUrlProblem}, unless store.url is one`, ['store']))
    const ca = sink.kind === 'syslog' ? sink.ca : undefined
    if (sink.kind === 'syslog' && ca !== undefined && sink.transport !== 'tls') {
      const message = `works only with transport: tls, and ${sink.transport} encrypts nothing: set that, or take ca away`
      problems.push(problem([...at, 'ca'], message))
    }
    const wrong = ca === undefined ? undefined : authoritiesProblem(ca)
    if (wrong !== undefined) problems.push(problem([...at, 'ca'], `${ca} ${wrong}`))
    return problems
  })
}

/** What is wrong with a file that should hold the certificates of authorities. */
function authoritiesProblem(file: string): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return unreadReason(error, 'the certificates')
  }
  try {
    if (certificatesIn(text).length > 0) return undefined
    return 'holds no certificate in PEM: name the file that has those that vouch for the server'
  } catch {
    return 'holds a certificate that is damaged: get it anew from where it was issued'
  }
}
