import { Refusal } from '../../core/errors.ts'
import { parseLossless } from '../../mcp/lossless.ts'
import type { OpenChannel } from '../conversation/channel.ts'
import { asObject, type Json } from '../conversation/json-rpc.ts'
import { startChild } from './child.ts'
import { residentMegabytes } from './memory.ts'

/** How to start a stdio server. */
export interface StdioCommand {
  readonly command: readonly string[]
  /** Everything that the server sees of our environment. */
  readonly environment: Readonly<Record<string, string>>
  /** The most memory that a process and its children may use. Enforced only on Linux. */
  readonly memoryMegabytes: number | undefined
  /** Called with each line that the server prints apart from its messages. */
  readonly onStderr: (line: string) => void
  /** Called when a process is gone: why, and whether we stopped it. */
  readonly onExit: (reason: string, stopped: boolean) => void
}

const memoryCheckMilliseconds = 2000

/** Opens a channel to a new process, over its pipes. */
export function stdioChannel(options: StdioCommand): OpenChannel {
  const { command, environment, memoryMegabytes, onStderr, onExit } = options
  return ({ onMessage, onClosed }) => {
    let stopped = false
    let tooLarge: string | undefined
    const child = startChild({
      command,
      environment,
      onStderr,
      onLine(line, isWhole) {
        const messages = parseMessages(line)
        if (messages === undefined) {
          // Some servers log to stdout. The beginning of a message is none of that, and may be anybody's data.
          if (isWhole || !/^\s*[[{]/.test(line)) onStderr(line)
        } else for (const message of messages) onMessage(message)
      },
      onExit(given) {
        clearInterval(memoryCheck)
        const reason = tooLarge ?? given
        onExit(reason, stopped)
        const code = stopped ? 'gateway_interrupted' : 'upstream_unreachable'
        onClosed(new Refusal(code, { reason: `the stdio server ${reason}` }))
      },
    })

    const checkMemory = async (limit: number): Promise<void> => {
      const used = child.pid === undefined ? undefined : await residentMegabytes(child.pid)
      if (used === undefined || used <= limit || stopped) return
      tooLarge = `used ${Math.ceil(used)} MB, more than memoryMegabytes: ${limit}, and was stopped`
      await child.stop()
    }
    const memoryCheck =
      memoryMegabytes === undefined
        ? undefined
        : setInterval(() => void checkMemory(memoryMegabytes), memoryCheckMilliseconds).unref()

    return {
      send: (message) => child.write(lineOf(message)),
      abandon: (_id, notification) => child.write(lineOf(notification)),
      hear() {},
      unhear() {},
      close() {
        stopped = true
        return child.stop()
      },
    }
  }
}

/** A message as one line for every reader: to some, such as Node's `readline`, U+2028 and U+2029 end one, too. */
function lineOf(message: Json): string {
  return JSON.stringify(message)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`)
}

/** The message in a line, or those of a batch (MCP 2025-03-26). Undefined for anything else, such as a log in JSON. */
function parseMessages(line: string): Json[] | undefined {
  try {
    const messages = [parseLossless(line)].flat()
    return messages.every(isMessage) ? messages : undefined
  } catch {
    return undefined // not JSON, so not a message
  }
}

function isMessage(value: unknown): value is Json {
  const message = asObject(value)
  if (message?.['jsonrpc'] !== '2.0') return false
  return typeof message['method'] === 'string' || 'result' in message || 'error' in message
}
