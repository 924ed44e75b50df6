import { accessSync, constants, lstatSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type OperandWrong, wrongOperand } from './operand-wrong.ts'

/**
 * Checks beforehand whether a file can be written; `operand` is its name for the operator. Throws
 * OperandWrong.
 */
export function checkTarget(operand: string, file: string): void {
  const path = resolve(file)
  const wrong = (message: string): OperandWrong => wrongOperand(operand, message)
  const leadsToFolder = (place: string): boolean => {
    try {
      return isFolder(place)
    } catch (error) {
      throw wrong(`cannot be written (${(error as Error).message})`)
    }
  }
  if (!leadsToFolder(dirname(path))) throw wrong('its folder does not exist')
  if (leadsToFolder(path)) throw wrong('is a folder: name a file')
  // A device, a pipe or a link is written to, not replaced: opening it says why it cannot be.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) return
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch {
    throw wrong(`${dirname(path)} is not writable: name another folder`)
  }
}

/** Whether there is a folder at a path. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
