import { join, resolve } from 'node:path'
import { keepTrail } from '../audit/keeper.ts'
import { readTrailKeys } from '../audit/signature.ts'
import { openTrail, type Trail } from '../audit/trail.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { everyPublicKey, type KeyRing, openKeyRing } from '../keys/key-ring.ts'
import { auditKeys } from '../keys/key-states.ts'
import type { Store } from '../storage/contract.ts'
import { buildSinks } from './audit-sinks.ts'

/** The audit of a process, with the keys that sign it. */
export interface Audit {
  readonly trail: Trail
  readonly keys: KeyRing
  /** Bytes waiting for each sink. */
  readonly waiting: () => ReadonlyMap<string, number>
  /** Ends the chain and delivers what is left to the sinks, for at most a few seconds. */
  readonly close: () => Promise<void>
}

interface AuditPorts {
  readonly store: Pick<Store, 'keys'>
  readonly clock: Clock
  readonly onFault: (error: unknown) => void
  /** Called when deliveries to a sink begin to fail and, with undefined, when they succeed again. */
  readonly onSink: (sink: string, failure: unknown) => void
}

/** The folder of a configuration's events. */
export function auditFolder({ audit, data }: Pick<Config, 'audit' | 'data'>): string {
  return audit.folder ?? join(resolve(data), 'audit')
}

/** Opens the audit of a configuration. Throws if its folder cannot be written. */
export async function openAudit(
  config: Config,
  { store, clock, onFault, onSink }: AuditPorts,
): Promise<Audit> {
  const { whenUnwritable, checkpointSeconds, fileMegabytes } = config.audit
  const keys = await openKeyRing({ store: store.keys, ...auditKeys, clock })
  const folder = auditFolder(config)
  const sinks = buildSinks(config)
  const signer = () => keys.signing
  const trail = openTrail({
    folder,
    tenant: config.tenant?.name,
    fileBytes: fileMegabytes * 1024 * 1024,
    checkpointSeconds,
    whenUnwritable,
    signer,
    clock,
    onFault,
  })
  const keeper = keepTrail({
    folder,
    trail,
    sinks,
    keepDays: config.audit.keepDays,
    signer,
    keys: async () => readTrailKeys(await everyPublicKey({ store: store.keys, ...auditKeys, clock })),
    clock,
    onFault,
    onSink,
  })
  return {
    trail,
    keys,
    waiting: () => keeper.waiting(),
    close: () => keeper.close(),
  }
}
