import { wrongOperand } from './operand-wrong.ts'

/** What it means that standard output cannot be written, for the operator. */
export function unwritableOutput(error: unknown): Error {
  return wrongOperand('standard output', `cannot be written (${(error as Error).message})`)
}

/**
 * Lets a command finish its work when nobody reads its output any more, as `head` does not. Where it is lost for
 * another reason, as on a full disk, that is reported at the end of the process, whose exit code is then 2.
 */
export function watchOutput(): void {
  let lost: Error | undefined
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') lost ??= error
  })
  process.once('exit', (code) => {
    // With 2, another reason was reported already.
    if (lost === undefined || code === 2) return
    console.error(`portcullis: ${unwritableOutput(lost).message}`)
    process.exitCode = 2
  })
}
