import { hash } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { WorkerFolderUnusable, type WorkerPlace } from '../core/worker-place.ts'
import type { Connector } from '../upstream/contract.ts'
import type { AtOwner } from '../upstream/owner/contract.ts'
import { reachOwner } from '../upstream/owner/reach.ts'
import { serveOwned } from '../upstream/owner/serve.ts'

/** Conversations that are distributed over the workers of an installation. */
export interface Owners {
  /** Distributes the conversations with one server, which has a unique name. */
  at(server: string): AtOwner
  close(): Promise<void>
}

/**
 * Distributes conversations with servers over workers: each caller's are held by one worker, which the others
 * ask. So the process of a stdio server, a session over HTTP+SSE and the memory of a bridge are found
 * whichever worker a request comes to. The sockets are in a folder that only our user can access. Throws
 * WorkerFolderUnusable.
 */
export async function openOwners(place: WorkerPlace, onFault: (error: unknown) => void): Promise<Owners> {
  const { index, count, folder } = place
  const connectors = new Map<string, Connector>()
  const server = serveOwned(connectors, onFault)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const bound = join(folder, `${index}-${process.pid}`)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ path: bound, exclusive: true }, resolve)
    })
    // Takes over from the previous worker in this place, in one step.
    await rename(bound, join(folder, String(index)))
  } catch (error) {
    server.close()
    throw new WorkerFolderUnusable(error)
  }
  const reaches = Array.from({ length: count }, (_, other) => reachOwner(join(folder, String(other))))

  const share = (way: string, connector: Connector, ownerOf: Parameters<AtOwner>[2]): Connector => {
    connectors.set(way, connector)
    return {
      send(request, reply) {
        const owner = ownerIndex(ownerOf?.(request) ?? request.principal, count)
        return owner === index
          ? connector.send(request, reply)
          : (reaches[owner] as (typeof reaches)[number]).send(way, request, reply)
      },
      async close() {
        if (connectors.get(way) === connector) connectors.delete(way)
        await connector.close()
      },
    }
  }
  return {
    at: (name) => (way, connector, ownerOf) => share(`${name}/${way}`, connector, ownerOf),
    async close() {
      await Promise.all(reaches.map((reach) => reach.close()))
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

/** The same for the same text in every worker, and evenly distributed. */
function ownerIndex(text: string, count: number): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 8), 16) % count
}
