import { readFileSync } from 'node:fs'

/** What a variable holds, or what is wrong with it. */
export type VariableRead = { readonly value: string | undefined } | { readonly problem: string }

/** Ends the name of a variable that names a file, as container platforms hand over secrets. */
export const fileSuffix = '_FILE'

/**
 * The value of a variable: its own, or the content of the file that `NAME_FILE` names, without the line break at its end.
 * Undefined where neither is set. A problem never tells what a file holds.
 */
export function readVariable(environment: NodeJS.ProcessEnv, name: string): VariableRead {
  const own = environment[name]
  const file = environment[name + fileSuffix]
  if (file === undefined) return { value: own }
  if (own !== undefined) return { problem: `is set, and so is ${name}${fileSuffix}: set one of them` }
  try {
    return { value: readFileSync(file, 'utf8').replace(/\r?\n$/, '') }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    return { problem: `names ${file}, which cannot be read (${code})` }
  }
}
