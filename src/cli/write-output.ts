import { lstat, open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { wrongOperand } from './operand-wrong.ts'

type Texts = Iterable<string> | AsyncIterable<string>

/**
 * Writes a file that only its owner can read; `operand` is its name for the operator. If anything fails, what
 * was there before stays as it was. Throws OperandWrong if the file cannot be written.
 */
export async function writeTarget(operand: string, file: string, texts: Texts): Promise<void> {
  const refuse = (error: Error): never => {
    throw unwritable(operand, error)
  }
  // A device, a pipe or a link is written to, not replaced. If it cannot be looked at, opening it says why.
  const found = await lstat(file).catch(() => undefined)
  const isReplaced = found?.isFile() !== false
  const written = isReplaced ? `${file}.unfinished` : file
  if (isReplaced) await rm(written, { force: true }).catch(refuse)
  const output = await open(written, isReplaced ? 'wx' : 'w', 0o600).catch(refuse)
  try {
    for await (const text of texts) await output.appendFile(text).catch(refuse)
    await output.close().catch(refuse)
    if (isReplaced) await rename(written, file).catch(refuse)
  } finally {
    await output.close()
    if (isReplaced) await rm(written, { force: true })
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
    throw syscall === 'write' ? unwritable('standard output', error as Error) : error
  }
}

function unwritable(operand: string, { message }: Error): Error {
  return wrongOperand(operand, `cannot be written (${message})`)
}
