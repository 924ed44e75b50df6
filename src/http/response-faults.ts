import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/**
 * Reports a response's error, for example that something was written after its end. An error that nobody
 * listens for would end the process, and with it everything else that it serves.
 */
export function reportResponseFaults(
  server: Pick<Server, 'prependListener'>,
  onFault: (error: unknown) => void,
): void {
  server.prependListener('request', (_: IncomingMessage, res: ServerResponse) => res.on('error', onFault))
}
