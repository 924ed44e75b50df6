import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findOrInstall } from './debian.ts'

/**
 * The path of a program: in the folder given by a variable such as NGINX_BIN, on the system, or from Debian,
 * which root can install. Throws if it is not available: a test that needs it is never skipped.
 */
export async function findProgram(program: string, debianPackage = program): Promise<string> {
  const variable = `${debianPackage.replace(/-.*/, '').toUpperCase()}_BIN`
  const find = (): string | undefined =>
    [process.env[variable], ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
      .filter((folder) => folder !== undefined)
      .map((folder) => join(folder, program))
      .find((file) => existsSync(file))
  const found = await findOrInstall(find, debianPackage)
  if (found !== undefined) return found
  throw new Error(
    `this test needs ${program}: install the package ${debianPackage}, or name its folder in ${variable}`,
  )
}
