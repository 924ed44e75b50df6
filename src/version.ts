import { readFileSync } from 'node:fs'

/** The version of this package. The file lies one folder up in the sources and two in the build. */
export const version: string = readVersion()

/** How an installation names itself where it fetches what clients and issuers name. */
export function userAgentOf(publicUrl: string): string {
  return `Portcullis/${version} (+${publicUrl})`
}

function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    const url = new URL(path, import.meta.url)
    try {
      return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  throw new Error('package.json is missing')
}
