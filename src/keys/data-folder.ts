import { accessSync, constants, mkdirSync } from 'node:fs'

/** A data folder that cannot be used, with the cause and the fix for the operator. */
export class DataFolderUnusable extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DataFolderUnusable'
  }
}

/**
 * Creates the data folder, accessible only to its owner. Returns the outermost folder that it had to create,
 * if any. Throws DataFolderUnusable.
 */
export function prepareDataFolder(folder: string): string | undefined {
  try {
    const created = mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return created
  } catch (error) {
    const { message } = error as Error
    throw new DataFolderUnusable(
      `the data folder ${folder} cannot be used (${message}): choose another one with --data`,
    )
  }
}
