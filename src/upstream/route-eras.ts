import type { Era } from '../mcp/revisions.ts'
import type { Connector, UpstreamRequest } from './contract.ts'
import type { Speaks, Verdicts } from './probe/verdicts.ts'

/** The connectors from clients of one era to a server. */
export interface Ways {
  /** The server speaks what the client speaks. */
  readonly native: Connector
  /** The server speaks it over HTTP+SSE. */
  readonly sse?: Connector
  /** The server speaks the other era, over its main transport or over HTTP+SSE. */
  readonly bridged: Connector
  readonly bridgedOverSse?: Connector
  /** The server says that it speaks neither era. Default: `native`. */
  readonly neither?: Connector
}

/**
 * The connector that leads each request through what client and server have in common, if necessary a bridge.
 */
export function eraRouter(verdicts: Verdicts, ways: Readonly<Record<Era, Ways>>): Connector {
  const choose = (era: Era, own: Speaks, other: Speaks | undefined): Connector | undefined => {
    const { native, sse, bridged, bridgedOverSse } = ways[era]
    if (own === 'native') return native
    if (own === 'sse') return sse
    if (other === 'native') return bridged
    return other === 'sse' ? bridgedOverSse : undefined
  }

  /** Synchronous, which is enough for most requests. */
  const known = ({ era, headers }: UpstreamRequest): Connector | undefined => {
    const own = verdicts.known(era, headers)
    if (own === 'native') return ways[era].native
    return own === undefined ? undefined : choose(era, own, verdicts.known(otherEra(era), headers))
  }

  const find = async ({ era, headers }: UpstreamRequest): Promise<Connector> => {
    const own = await verdicts.find(era, headers)
    const other = own === 'no' ? await findOther(otherEra(era), headers) : undefined
    const way = choose(era, own, other)
    if (way !== undefined) return way
    // It understands neither, which is not worth remembering, since it may not be ready yet.
    verdicts.forget()
    return ways[era].neither ?? ways[era].native
  }

  /** Nor is it that it does not speak the one era, if it has never been up to be asked about the other. */
  const findOther: Verdicts['find'] = async (era, headers) => {
    try {
      return await verdicts.find(era, headers)
    } catch (error) {
      verdicts.forget()
      throw error
    }
  }

  return {
    send(request, reply) {
      const way = known(request)
      return way === undefined
        ? find(request).then((found) => found.send(request, reply))
        : way.send(request, reply)
    },
    async close() {
      const all = new Set(Object.values(ways).flatMap((of) => Object.values(of) as Connector[]))
      await Promise.all([...all].map((connector) => connector.close()))
    },
  }
}

function otherEra(era: Era): Era {
  return era === 'modern' ? 'legacy' : 'modern'
}
