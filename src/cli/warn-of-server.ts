import { accessSync, constants } from 'node:fs'
import { connect } from 'node:net'
import { basename, delimiter, join } from 'node:path'
import type { UpstreamConfig } from '../config/schema.ts'
import { startingHint } from '../upstream/stdio/starting-hint.ts'

const patienceMilliseconds = 2000

/**
 * Warns about an MCP server that is not there: the gateway runs all the same, and the server may start later.
 */
export async function warnOfServer({ url, command }: UpstreamConfig): Promise<void> {
  if (url !== undefined && !(await answers(new URL(url)))) {
    console.error(`portcullis: nothing listens at ${url} yet; requests get 502 until it does`)
  }
  const program = command?.[0]
  if (program !== undefined && !isProgram(program)) {
    console.error(`portcullis: no program "${program}" was found${startingHint()}; requests get 502`)
  }
}

function answers({ hostname, port, protocol }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const socket = connect({ host, port: Number(port || (protocol === 'https:' ? 443 : 80)) })
    const tell = (answer: boolean) => (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', tell(true)).once('error', tell(false))
    socket.setTimeout(patienceMilliseconds, tell(false))
  })
}

function isProgram(name: string): boolean {
  const folders = basename(name) === name ? (process.env['PATH'] ?? '').split(delimiter) : ['']
  return folders.some((folder) =>
    fileNames(name).some((file) => canRun(folder === '' ? file : join(folder, file))),
  )
}

/** The files that are started by a name: without a shell, Windows starts no scripts. */
function fileNames(name: string): readonly string[] {
  if (process.platform !== 'win32' || /\.(?:com|exe)$/i.test(name)) return [name]
  return [`${name}.com`, `${name}.exe`]
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false // there is none
  }
}
