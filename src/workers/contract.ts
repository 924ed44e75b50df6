import type { Running } from '../app.ts'
import type { Part } from '../compose/listeners.ts'
import type { Config } from '../config/schema.ts'
import type { WorkerPlace } from '../core/worker-place.ts'
import type { CollectedMetrics } from '../telemetry/metrics.ts'
import type { TenantTraffic } from '../telemetry/traffic.ts'

/** What the primary tells a worker. */
export type Order =
  | {
      readonly kind: 'start'
      readonly config: Config
      readonly parts: readonly Part[]
      readonly place: WorkerPlace
    }
  /** Look whether the certificate has changed. */
  | { readonly kind: 'renew' }
  /** Go on with another configuration. Answered with what came of it. */
  | { readonly kind: 'replace'; readonly config: Config }
  /** Answered with what was counted. */
  | { readonly kind: 'collect' }
  /** Answered with what was seen. */
  | { readonly kind: 'watch' }
  /** Answered with what stands in the way of serving. */
  | { readonly kind: 'check' }
  /** Answered at once, by a process whose event loop turns. */
  | { readonly kind: 'pulse' }
  /** Finish what runs, and end. */
  | { readonly kind: 'drain' }

/** What a worker tells its primary. */
export type Report =
  /** It waits for the order to start. */
  | { readonly kind: 'up' }
  | ({ readonly kind: 'ready' } & Pick<Running, 'urls' | 'certificate'>)
  /** It could not start. `mendable` says that an operator can do something about it. */
  | { readonly kind: 'failed'; readonly message: string; readonly mendable: boolean }
  /** Undefined where the other configuration is in use. */
  | { readonly kind: 'replaced'; readonly problem: string | undefined }
  | { readonly kind: 'collected'; readonly metrics: CollectedMetrics }
  | { readonly kind: 'watched'; readonly traffic: readonly TenantTraffic[] }
  /** Undefined where nothing does. */
  | { readonly kind: 'checked'; readonly problem: string | undefined }
  | { readonly kind: 'alive' }

/** Messages of ours travel in this, so that nobody takes those of others for one. */
export interface Envelope<T> {
  readonly portcullis: T
}

/** The order in what came; undefined where that is no message of ours. */
export function readOrder(message: unknown): Order | undefined {
  return (message as Partial<Envelope<Order>> | null)?.portcullis
}

/** The report in what came; undefined where that is no message of ours. */
export function readReport(message: unknown): Report | undefined {
  return (message as Partial<Envelope<Report>> | null)?.portcullis
}
