import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { Refusal, toRefusal } from '../../core/errors.ts'
import type { AnswerHeaders, ResponseHead } from '../../http/relay.ts'
import type { Connector } from '../contract.ts'
import { refusalHeader, unframe, writeRefusal } from './frame.ts'

/**
 * Serves the conversations of this process to the other processes of the installation, over a socket that
 * only they can access.
 */
export function serveOwned(
  connectors: ReadonlyMap<string, Connector>,
  onFault: (error: unknown) => void,
): Server {
  return createServer({ requestTimeout: 0 }, (req, res) => {
    answer(connectors, req, res).catch((error: unknown) => {
      if (!(error instanceof Refusal)) onFault(error)
      if (res.writableEnded) return
      // The answer had begun: its reader sees that it is cut off.
      if (res.headersSent) res.destroy()
      else res.writeHead(500, { [refusalHeader]: writeRefusal(toRefusal(error)) }).end()
    })
  })
}

async function answer(
  connectors: ReadonlyMap<string, Connector>,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const { way, request } = unframe(await buffer(req))
  const connector = connectors.get(way)
  // For example in the moments when a new configuration has reached one process before the other.
  if (connector === undefined)
    throw new Refusal('gateway_interrupted', { reason: `this process does not know ${way}` })
  await connector.send(request, { res, accept: passOn })
}

/** What of an answer reaches the client is decided in the client's process. */
function passOn(status: number, headers: AnswerHeaders): ResponseHead {
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [name, one]),
  )
  return { status, headers: pairs }
}
