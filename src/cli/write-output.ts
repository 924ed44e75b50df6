import { rmSync } from 'node:fs'
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { holdLock } from '../storage/backup/hold-alone.ts'
import { leavingNothing } from '../storage/backup/unfinished.ts'
import { wrongOperand } from './operand-wrong.ts'
import { exitOnSignal } from './signals.ts'
import { unwritableOutput } from './watch-output.ts'

type Texts = Iterable<string> | AsyncIterable<string>

/**
 * Writes a file that only its owner can read; `operand` is its name for the operator. If anything fails, what
 * was there before stays as it was. Throws OperandWrong if the file cannot be written.
 */
export async function writeTarget(operand: string, file: string, texts: Texts): Promise<void> {
  const refuse = (error: unknown): never => {
    throw unwritable(operand, error)
  }
  // A device, a pipe or a link is written to, not replaced. If it cannot be looked at, opening it says why.
  const found = await lstat(file).catch(() => undefined)
  if (found?.isFile() === false) {
    const output = await open(file, 'w', 0o600).catch(refuse)
    await writeAll(output, texts, refuse)
    return
  }
  const unfinished = `${file}.unfinished`
  const release = await hold(`${unfinished}.lock`).catch(refuse)
  if (release === undefined)
    throw wrongOperand(operand, 'another command is writing this file: wait until it is done')
  exitOnSignal()
  await leavingNothing(release, async () => {
    await rm(unfinished, { force: true }).catch(refuse)
    const output = await open(unfinished, 'wx', 0o600).catch(refuse)
    await leavingNothing(
      () => rmSync(unfinished, { force: true }),
      async () => {
        await writeAll(output, texts, refuse)
        await rename(unfinished, file).catch(refuse)
      },
    )
  })
}

async function hold(lock: string): Promise<ReturnType<typeof holdLock>> {
  return holdLock(lock)
}

/** Writes texts, and closes the file in any case. */
async function writeAll(output: FileHandle, texts: Texts, refuse: (error: unknown) => never): Promise<void> {
  try {
    for await (const text of texts) await output.appendFile(text).catch(refuse)
    await output.close().catch(refuse)
  } finally {
    await output.close()
  }
}

/**
 * Prints as fast as the reader accepts it, to the end or until the reader has seen enough. Throws OperandWrong
 * if it cannot be written, as on a full disk.
 */
export async function print(texts: Texts): Promise<void> {
  try {
    await pipeline(texts, process.stdout, { end: false })
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === 'EPIPE') return
    throw syscall === 'write' ? unwritableOutput(error) : error
  }
}

function unwritable(operand: string, error: unknown): Error {
  return wrongOperand(operand, `cannot be written (${(error as Error).message})`)
}
