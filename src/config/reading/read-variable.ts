import { readFileSync } from 'node:fs'
import { unreadReason } from './unread-file.ts'

/** The value of a variable, or what is wrong with it. */
export type VariableRead = { readonly value: string | undefined } | { readonly problem: string }

/** The suffix of a variable that names a file, which is how container platforms pass secrets. */
export const fileSuffix = '_FILE'

/**
 * The value of a variable: its own, or the content of the file that `NAME_FILE` names, without the line break
 * at its end, and without the byte order mark that editors of Windows put at its beginning. Undefined if
 * neither is set. A problem never reveals what a file contains.
 */
export function readVariable(environment: NodeJS.ProcessEnv, name: string): VariableRead {
  const own = environment[name]
  const file = environment[name + fileSuffix]
  if (file === undefined) return { value: own }
  if (own !== undefined) return { problem: `is set, and so is ${name}${fileSuffix}: set one of them` }
  if (file === '') return { problem: 'names no file: set it to one, or take it away' }
  try {
    return {
      value: readFileSync(file, 'utf8')
        .replace(/^\uFEFF/, '')
        .replace(/\r?\n$/, ''),
    }
  } catch (error) {
    return { problem: `names ${file}, which ${unreadReason(error, 'the value')}` }
  }
}
