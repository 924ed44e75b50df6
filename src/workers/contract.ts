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
  /** Check whether the certificate has changed. */
  | { readonly kind: 'renew' }
  /** Switch to another configuration. Answered with the result. */
  | { readonly kind: 'replace'; readonly config: Config }
  /** Answered with the metrics. */
  | { readonly kind: 'collect' }
  /** Answered with the traffic. */
  | { readonly kind: 'watch' }
  /** Answered with what prevents serving, if anything. */
  | { readonly kind: 'check' }
  /** Answered at once by a process whose event loop is running. */
  | { readonly kind: 'pulse' }
  /** Finish what is in progress, and end. */
  | { readonly kind: 'drain' }

/** What a worker tells its primary. */
export type Report =
  /** It waits for the order to start. */
  | { readonly kind: 'up' }
  | ({ readonly kind: 'ready' } & Pick<Running, 'urls' | 'certificate'>)
  /** It could not start. `fixable` says that an operator can fix it. */
  | { readonly kind: 'failed'; readonly message: string; readonly fixable: boolean }
  /** Undefined if the other configuration is in use. */
  | { readonly kind: 'replaced'; readonly problem: string | undefined }
  | { readonly kind: 'collected'; readonly metrics: CollectedMetrics }
  | { readonly kind: 'watched'; readonly traffic: readonly TenantTraffic[] }
  /** Undefined if nothing does. */
  | { readonly kind: 'checked'; readonly problem: string | undefined }
  | { readonly kind: 'alive' }

/** Contains our messages, so that nobody mistakes other messages for them. */
export interface Envelope<T> {
  readonly portcullis: T
}

/** The order in a message; undefined if it is not one of ours. */
export function readOrder(message: unknown): Order | undefined {
  return (message as Partial<Envelope<Order>> | null)?.portcullis
}

/** The report in a message; undefined if it is not one of ours. */
export function readReport(message: unknown): Report | undefined {
  return (message as Partial<Envelope<Report>> | null)?.portcullis
}
