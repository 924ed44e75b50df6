import fs from 'node:fs'
import type { TestContext } from 'node:test'
import { replaceFs } from './replace-fs.ts'

/** The variables of a process whose `process.platform` is to be that of Windows. */
export const onWindows = {
  NODE_OPTIONS: `--import=data:text/javascript,Object.defineProperty(process,'platform',{value:'win32'})`,
}

const { platform: actual } = process

/** Until the test is over, `process.platform` is that of another system. May be called again for yet another. */
export function pretendPlatform(test: TestContext, pretended: NodeJS.Platform): void {
  Object.defineProperty(process, 'platform', { value: pretended })
  test.after(() => Object.defineProperty(process, 'platform', { value: actual }))
}

/**
 * Until the test is over, files are as on Windows, as far as it is known: what is not open for writing cannot
 * be flushed (FlushFileBuffers), and what this process has open can be neither removed nor replaced, since
 * SQLite opens without FILE_SHARE_DELETE. Needs /proc.
 */
export function pretendWindowsFiles(test: TestContext): void {
  const { fsyncSync, rmSync, renameSync } = fs
  pretendPlatform(test, 'win32')
  const refuse = (what: string): never => {
    throw Object.assign(new Error(`EPERM: operation not permitted, ${what}`), { code: 'EPERM' })
  }
  replaceFs(test, 'fsyncSync', (descriptor) => {
    const flags = /^flags:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]
    if ((Number.parseInt(flags as string, 8) & 3) === fs.constants.O_RDONLY) refuse('fsync')
    fsyncSync(descriptor)
  })
  replaceFs(test, 'rmSync', (path, options) => (isOpen(String(path)) ? refuse('rm') : rmSync(path, options)))
  replaceFs(test, 'renameSync', (from, to) =>
    isOpen(String(from)) || isOpen(String(to)) ? refuse('rename') : renameSync(from, to),
  )
}

function isOpen(path: string): boolean {
  return fs.readdirSync('/proc/self/fd').some((descriptor) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${descriptor}`) === path
    } catch {
      return false // that of the listing itself
    }
  })
}
