import { Refusal } from '../../core/errors.ts'
import type { OpenChannel } from '../conversation/channel.ts'
import { asObject } from '../conversation/json-rpc.ts'
import { parseLossless } from '../conversation/lossless.ts'
import { startChild } from './child.ts'

/** How to start a stdio server. */
export interface StdioCommand {
  readonly command: readonly string[]
  /** All that the server gets to see of our environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Told of each line that the server prints beside its messages. */
  readonly onStderr: (line: string) => void
  /** Told when a process is gone: why, and whether it was stopped by us. */
  readonly onExit: (reason: string, stopped: boolean) => void
}

/** Opens a channel to a process of its own, over its pipes. */
export function stdioChannel({ command, environment, onStderr, onExit }: StdioCommand): OpenChannel {
  return ({ onMessage, onClosed }) => {
    let stopped = false
    const child = startChild({
      command,
      environment,
      onStderr,
      onLine(line) {
        const message = parseMessage(line)
        if (message === undefined)
          onStderr(line) // some servers print to the wrong stream
        else onMessage(message)
      },
      onExit(reason) {
        onExit(reason, stopped)
        onClosed(new Refusal('upstream_unreachable', { reason: `the stdio server ${reason}` }))
      },
    })
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

function parseMessage(line: string): Record<string, unknown> | undefined {
  try {
    return asObject(parseLossless(line))
  } catch {
    return undefined // no JSON, so no message
  }
}
