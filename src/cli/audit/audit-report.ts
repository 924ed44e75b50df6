import { Command } from 'commander'
import { accessReviewPage } from '../../audit/report/page.ts'
import { selectEvents } from '../../audit/select-events.ts'
import { readTrailKeys } from '../../audit/signature.ts'
import { reviewAccess } from '../../compose/access-review/review-access.ts'
import { systemClock } from '../../core/clock.ts'
import { checkTarget } from '../check-target.ts'
import { addInstallationFlags, withStore } from '../with-store.ts'
import { writeTarget } from '../write-output.ts'
import { addTimeFlags, type FilterFlags } from './audit-filter.ts'
import { auditKeySetOf } from './audit-keys.ts'
import { addSourceFlag, readEvents } from './audit-source.ts'
import { verifySource } from './audit-verify.ts'

interface ReportFlags extends FilterFlags {
  readonly out: string
}

/** `portcullis audit report`: an access review, as a page to read, print or save as PDF. */
export function auditReportCommand(): Command {
  return addSourceFlag(addTimeFlags(addInstallationFlags(new Command('report'))))
    .description(
      'Write an access review: who may do what, who did it, what nobody uses, and what was refused.',
    )
    .argument('[folders...]', 'folders with events (default: that of the installation)')
    .requiredOption('--out <file>', 'the HTML file to write; a browser can print it as a PDF')
    .action(async (named: string[], { out, ...flags }: ReportFlags) => {
      checkTarget('--out', out)
      const page = await withStore(flags, async ({ config, store, facts }) => {
        const verified = await verifySource(named, flags, readTrailKeys(await auditKeySetOf(store)))
        const { publicUrl, users, servers } = facts
        const events = selectEvents(readEvents(named, flags, flags), flags)
        const ports = { config, publicUrl, users, servers, store, clock: systemClock, events }
        const ofOneMachine = flags.database !== true && config.store.url !== undefined && verified.length < 2
        const record = [
          `Its events are those of ${verified.map(({ folder }) => folder).join(', ')}.`,
          judge(verified.reduce((sum, { findings, more }) => sum + findings.length + more, 0)),
          ...unsealedIn(verified.reduce((sum, { unsealed }) => sum + unsealed, 0)),
          ...(ofOneMachine ? [ofOneMachineAlone] : []),
        ]
        if (ofOneMachine) console.error(`portcullis: ${ofOneMachineAlone}`)
        return accessReviewPage({ ...(await reviewAccess(ports)), record })
      })
      await writeTarget('--out', out, [page])
      console.log(`wrote the access review to ${out}: open it in a browser, and print it to keep it as a PDF`)
    })
}

/** Access that is used on another machine would be reported as unused. */
const ofOneMachineAlone =
  'What was done on other machines is not in it: name the folders of all of them, or read the copy of all with --database.'

function judge(wrong: number): string {
  return wrong === 0
    ? 'The record was verified: nothing was changed, removed or moved.'
    : `The record is not what it was (${wrong} ${wrong === 1 ? 'finding' : 'findings'}): portcullis audit verify says where.`
}

/** What the judgement says nothing about. */
function unsealedIn(events: number): string[] {
  if (events === 0) return []
  const [came, them] = events === 1 ? ['1 event came', 'it'] : [`${events} events came`, 'those']
  return [
    `${came} after the last signature of their chain: whoever can write the record could have changed ${them}.`,
  ]
}
