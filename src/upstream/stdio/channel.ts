import { Refusal } from '../../core/errors.ts'
import { parseLossless } from '../../mcp/lossless.ts'
import type { OpenChannel } from '../conversation/channel.ts'
import { asObject, type Json } from '../conversation/json-rpc.ts'
import { startChild } from './child.ts'
import { residentMegabytes } from './memory.ts'

/** How to start a stdio server. */
export interface StdioCommand {
  readonly command: readonly string[]
  /** All that the server gets to see of our environment. */
  readonly environment: Readonly<Record<string, string>>
  /** The most memory that a process and its children may use. Held on Linux alone. */
  readonly memoryMegabytes: number | undefined
  /** Told of each line that the server prints beside its messages. */
  readonly onStderr: (line: string) => void
  /** Told when a process is gone: why, and whether it was stopped by us. */
  readonly onExit: (reason: string, stopped: boolean) => void
}

const memoryCheckMilliseconds = 2000

/** Opens a channel to a process of its own, over its pipes. */
export function stdioChannel(options: StdioCommand): OpenChannel {
  const { command, environment, memoryMegabytes, onStderr, onExit } = options
  return ({ onMessage, onClosed }) => {
    let stopped = false
    let tooLarge: string | undefined
    const child = startChild({
      command,
      environment,
      onStderr,
      onLine(line) {
        const messages = parseMessages(line)
        if (messages === undefined)
          onStderr(line) // some servers print to the wrong stream
        else for (const message of messages) onMessage(message)
      },
      onExit(given) {
        clearInterval(memoryCheck)
        const reason = tooLarge ?? given
        onExit(reason, stopped)
        onClosed(new Refusal('upstream_unreachable', { reason: `the stdio server ${reason}` }))
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
      send: (message) => child.write(JSON.stringify(message)),
      abandon: (_id, notification) => child.write(JSON.stringify(notification)),
      hear() {},
      unhear() {},
      close() {
        stopped = true
        return child.stop()
      },
    }
  }
}

/** The message of a line, or those of a batch (MCP 2025-03-26). Undefined for what is neither. */
function parseMessages(line: string): Json[] | undefined {
  try {
    const messages = [parseLossless(line)].flat().map(asObject)
    return messages.every((message) => message !== undefined) ? messages : undefined
  } catch {
    return undefined // no JSON, so no message
  }
}
