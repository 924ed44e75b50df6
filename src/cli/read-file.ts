import { readFileSync } from 'node:fs'

/** The content of a file, or why there is none, in the operator's words. */
export type FileRead<Content> = { readonly content: Content } | { readonly problem: string }

/** Reads a file that the operator named, without the byte order mark that editors of Windows put first. */
export function readFile(file: string): FileRead<string> {
  try {
    return { content: readFileSync(file, 'utf8').replace(/^\uFEFF/, '') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { problem: `there is no file ${file}` }
    if (code === 'EISDIR') return { problem: `${file} is a folder: name a file` }
    return { problem: `${file} cannot be read (${code}): let this user read it, or name another` }
  }
}

/** The same for a file with JSON. The problem says nothing of the content, which may be secret. */
export function readJsonFile(file: string): FileRead<unknown> {
  const read = readFile(file)
  if ('problem' in read) return read
  try {
    return { content: JSON.parse(read.content) }
  } catch {
    return { problem: `${file} is not JSON` }
  }
}
