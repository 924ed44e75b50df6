import { createAsk } from '../../src/doctor/ask.ts'
import type { CheckName } from '../../src/doctor/checks.ts'
import type { Credentials, Finding, Mark } from '../../src/doctor/contract.ts'
import { examine } from '../../src/doctor/examine.ts'
import { type ProfileName, profiles } from '../../src/doctor/profiles.ts'
import { createReport } from '../../src/doctor/report.ts'
import type { Revision } from '../../src/mcp/revisions.ts'
import { FormBrowser } from './form-browser.ts'

interface ExaminationOptions {
  readonly as?: ProfileName
  readonly revision?: Revision
  readonly credentials?: Credentials
  readonly ways?: readonly ('document' | 'dynamic')[]
  /** What the user does with the authorization URL; by default, approves everything. */
  readonly user?: (url: string) => Promise<void>
  readonly requestMs?: number
}

/** The findings of an examination, by check. */
export interface Examination {
  readonly findings: readonly Finding[]
  readonly of: (check: CheckName) => Finding
  /** The checks that ended with this mark. */
  readonly withMark: (mark: Mark) => CheckName[]
}

/** A user who signs in and approves. */
export const approvingUser = async (url: string): Promise<void> => {
  const callback = await new FormBrowser().visit(url)
  if (callback === undefined) throw new Error('the browser was not sent back')
  await fetch(callback)
}

/** Login as that user. */
export const login: Credentials = { kind: 'login', waitMs: 10_000 }

/** Examines a server as a client. */
export async function examineServer(url: string, options: ExaminationOptions = {}): Promise<Examination> {
  const { as = 'inspector', credentials = { kind: 'none' }, user = approvingUser, requestMs = 5000 } = options
  const profile = profiles[as]
  const report = createReport(() => undefined)
  let visiting: Promise<void> | undefined
  await examine(
    {
      endpoint: new URL(url),
      profile,
      revision: options.revision ?? profile.revision,
      credentials,
      ask: createAsk({ requestMs, totalMs: 60_000, bodyBytes: 1024 * 1024 }, profile.userAgent),
      report,
      say(line) {
        const authorizationUrl = /^ *(https?:\S+)$/m.exec(line)?.[1]
        if (authorizationUrl !== undefined) visiting = user(authorizationUrl)
      },
    },
    options.ways === undefined ? {} : { ways: options.ways },
  )
  await visiting
  const { findings } = report
  return {
    findings,
    of(check) {
      const found = findings.findLast((finding) => finding.check === check)
      if (found === undefined) throw new Error(`${check} was not checked`)
      return found
    },
    withMark: (mark) => findings.filter((finding) => finding.mark === mark).map(({ check }) => check),
  }
}
