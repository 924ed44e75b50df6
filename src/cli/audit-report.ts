import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { filePaths } from '../audit/files.ts'
import { readLines } from '../audit/read-lines.ts'
import { accessReviewPage } from '../audit/report/page.ts'
import { selectEvents } from '../audit/select-events.ts'
import { readTrailKeys } from '../audit/signature.ts'
import { reviewAccess } from '../compose/access-review.ts'
import { systemClock } from '../core/clock.ts'
import { addTimeFlags, type FilterFlags } from './audit-filter.ts'
import { auditKeySetOf } from './audit-keys.ts'
import { foldersOf } from './audit-source.ts'
import { verifyFolder } from './audit-verify.ts'
import { addInstallationFlags, withStore } from './with-store.ts'

interface ReportFlags extends FilterFlags {
  readonly out: string
}

/** `portcullis audit report`: an access review, as a page to read, print or keep as PDF. */
export function auditReportCommand(): Command {
  return addTimeFlags(addInstallationFlags(new Command('report')))
    .description('Write an access review: who may do what, who did, what nobody uses, and what was refused.')
    .argument('[folders...]', 'folders with events (default: that of the installation)')
    .requiredOption('--out <file>', 'the HTML file to write; a browser prints it as PDF')
    .action(async (named: string[], { out, ...flags }: ReportFlags) => {
      const folders = foldersOf(named, flags)
      const page = await withStore(flags, async ({ config, store, facts }) => {
        const keys = readTrailKeys(await auditKeySetOf(store))
        let wrong = 0
        for (const folder of folders) wrong += (await verifyFolder(folder, keys)).findings.length
        const verification =
          wrong === 0
            ? 'The record was verified: nothing was changed, removed or moved.'
            : `The record is not what it was: ${wrong} findings. portcullis audit verify lists them.`
        const events = selectEvents(readLines(folders.flatMap(filePaths)), flags)
        const review = await reviewAccess({ config, store, clock: systemClock, events })
        return accessReviewPage({ ...review, publicUrl: facts.publicUrl, verification })
      })
      writeFileSync(out, page, { mode: 0o600 })
      console.log(`${out} is the access review: open it in a browser, and print it to keep it as PDF`)
    })
}
