import { closeSync, fsyncSync, openSync } from 'node:fs'

/** Waits until a file is on disk. Windows flushes only what is open for writing. */
export function flush(file: string): void {
  sync(file, 'r+')
}

/** Waits until the list of names in a folder is on disk, except on Windows, which cannot do that. */
export function flushFolder(folder: string): void {
  if (process.platform !== 'win32') sync(folder, 'r')
}

function sync(path: string, flags: 'r' | 'r+'): void {
  const descriptor = openSync(path, flags)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
