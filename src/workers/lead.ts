import cluster from 'node:cluster'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Running, serverUrls, start } from '../app.ts'
import type { Part } from '../compose/listeners.ts'
import type { Config } from '../config/schema.ts'
import { WorkerFolderUnusable } from '../core/worker-place.ts'
import { countForWorkers } from '../limits/in-primary.ts'
import { joinMetrics } from '../telemetry/join-metrics.ts'
import { type Crew, startCrew } from './crew.ts'
import { WorkerFailed } from './failure.ts'

interface LeadOptions {
  readonly parts: readonly Part[]
  readonly count: number
  /** Called before a store of an earlier version is brought to this one. */
  readonly onUpgrade?: () => void
}

/** A running installation of several processes. */
export interface LedInstallation extends Running {
  /** Replaces the workers one after another. */
  readonly replaceWorkers: () => Promise<void>
}

/**
 * Starts an installation whose public side is served by several workers. This process upgrades the store,
 * sweeps it, serves the admin port, and replaces workers that end; they share ports, and nothing else except
 * the store. Throws WorkerFailed on Windows.
 */
export async function lead(
  config: Config,
  { parts, count, onUpgrade }: LeadOptions,
): Promise<LedInstallation> {
  // The sockets of workers are files, one of which takes the place of another.
  if (process.platform === 'win32')
    throw new WorkerFailed(
      'on Windows there can only be one worker: leave out --workers (workers: 1), or run Portcullis in WSL or in a container',
    )
  // Connections are distributed in turn, so that no worker has more to do than the others.
  cluster.schedulingPolicy = cluster.SCHED_RR
  countForWorkers()
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-')).catch((error: unknown) => {
    throw new WorkerFolderUnusable(error)
  })
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 2 })
  const leave = (): void => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
    removeFolder()
  }
  process.once('exit', leave)
  const served = parts.filter((part) => part !== 'admin')
  let crew: Crew | undefined
  let own: Running | undefined
  let onLost = (): void => undefined
  try {
    const house = await start(config, {
      ...(onUpgrade === undefined ? {} : { onUpgrade }),
      parts: parts.filter((part) => part === 'admin'),
      servedByWorkers: {
        parts: served,
        size: () => crew?.size() ?? 0,
        async checkReady() {
          if (crew === undefined) throw new Error('no worker serves')
          await crew.checkReady()
        },
        render: async (metrics) => joinMetrics([metrics, ...((await crew?.collect()) ?? [])]),
        watch: async () => (await crew?.watch()) ?? [],
        countLost: (lost) => {
          onLost = lost
        },
      },
    })
    own = house
    crew = await startCrew({
      orders: Array.from({ length: count }, (_, index) => {
        return { kind: 'start', config, parts: served, place: { index, count, folder } }
      }),
      log: house.log.logger,
      onLost: () => onLost(),
    })
    const working = crew
    const urls = { ...working.ready.urls, ...house.urls }
    house.log.started({
      publicUrl: config.publicUrl,
      servers: serverUrls(house.resources, house.tenants()),
      listening: urls,
      workers: count,
    })
    return {
      ...house,
      urls,
      certificate: working.ready.certificate,
      renew: async () => working.tell({ kind: 'renew' }),
      async replace(next) {
        await working.replace(next)
        await house.replace(next)
      },
      replaceWorkers: () => working.replaceAll(),
      async close() {
        await house.announce()
        await working.close()
        await house.close()
        process.off('exit', leave)
        removeFolder()
      },
    }
  } catch (error) {
    await crew?.close()
    await own?.close()
    process.off('exit', leave)
    removeFolder()
    throw error
  }
}
