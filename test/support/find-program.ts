import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * The path of a program: in the folder that a variable such as NGINX_BIN names, of the system, or of Debian, which root can
 * install. Throws where it is not to be had: a test that needs it is never skipped.
 */
export async function findProgram(program: string, debianPackage = program): Promise<string> {
  const variable = `${debianPackage.replace(/-.*/, '').toUpperCase()}_BIN`
  const find = (): string | undefined =>
    [process.env[variable], ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
      .filter((folder) => folder !== undefined)
      .map((folder) => join(folder, program))
      .find((file) => existsSync(file))
  if (find() === undefined && process.getuid?.() === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    await run('apt-get', ['update', '-qq'], { env })
    await run('apt-get', ['install', '-y', '-qq', debianPackage], { env, maxBuffer: 64 * 1024 * 1024 })
  }
  const found = find()
  if (found !== undefined) return found
  throw new Error(
    `this test needs ${program}: install the package ${debianPackage}, or name its folder in ${variable}`,
  )
}
