import { statSync } from 'node:fs'
import { filePaths } from '../audit/files.ts'
import { auditFolder } from '../compose/audit.ts'
import { fileVariable } from '../config/environment.ts'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { flagSettings } from './flags.ts'
import { OperandWrong } from './operand-wrong.ts'
import type { StoreFlags } from './with-store.ts'

/** The configuration that the flags of a command name, without its store. */
function configOf({ config: file = process.env[fileVariable], json: _, ...flags }: StoreFlags): Config {
  return loadConfig({ file, environment: process.env, flags: flagSettings(flags) })
}

/** Where the events are: in the folders that were named, or in that of the installation. Throws OperandWrong. */
export function foldersOf(named: readonly string[], flags: StoreFlags): string[] {
  const folders = named.length > 0 ? [...named] : [auditFolder(configOf(flags))]
  for (const folder of folders) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new OperandWrong([
        { path: 'folder', message: `${folder} is no folder: name the one of the audit` },
      ])
    if (filePaths(folder).length === 0)
      throw new OperandWrong([{ path: 'folder', message: `there are no events in ${folder}` }])
  }
  return folders
}
