import fs from 'node:fs'
import type { TestContext } from 'node:test'
import { replaceFs } from './replace-fs.ts'

/** Lets the disk have room for so many more bytes of events, and be full after that. */
export function fillDisk(test: TestContext, room: number): { free(): void } {
  const { writeSync } = fs
  let left = room
  const write = (descriptor: number, text: string | Buffer, offset = 0): number => {
    const bytes = Buffer.from(text).subarray(offset, offset + left)
    if (bytes.length === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    left -= bytes.length
    return writeSync(descriptor, bytes)
  }
  replaceFs(test, 'writeSync', write as (...args: unknown[]) => number)
  const free = (): void => {
    left = Number.POSITIVE_INFINITY
  }
  return { free }
}
