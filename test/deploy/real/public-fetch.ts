import { Agent, buildConnector, fetch as undiciFetch } from 'undici'

/** From where it asks: an address that is no proxy's. */
export const clientAddress = '127.0.0.2'

/** Where a public name leads in a test, and whose certificates are good there. */
interface Place {
  readonly port: number
  readonly authorities: string
  /** Speak HTTP/2 where the other side offers it, as browsers do. */
  readonly allowH2?: boolean
}

/** `fetch` for which every https URL leads to a port of loopback, whatever its host and port are. */
export function publicFetch({ port, authorities, allowH2 = false }: Place): typeof fetch {
  const connector = buildConnector({ ca: authorities, allowH2 })
  const dispatcher = new Agent({
    allowH2,
    connect: (options, done) =>
      connector(
        {
          ...options,
          servername: options.hostname,
          hostname: '127.0.0.1',
          port: String(port),
          localAddress: clientAddress,
        },
        done,
      ),
  })
  return ((url: string, init: object) => undiciFetch(url, { ...init, dispatcher })) as unknown as typeof fetch
}
