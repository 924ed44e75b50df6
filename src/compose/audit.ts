import { join, resolve } from 'node:path'
import { openTrail, type Trail } from '../audit/trail.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { type KeyRing, openKeyRing } from '../keys/key-ring.ts'
import { auditKeys } from '../keys/key-states.ts'
import type { Store } from '../storage/contract.ts'

/** The audit of a process, with the keys that sign it. */
export interface Audit {
  readonly trail: Trail
  readonly keys: KeyRing
}

interface AuditPorts {
  readonly store: Pick<Store, 'keys'>
  readonly clock: Clock
  readonly onFault: (error: unknown) => void
}

/** Where the events of a configuration are. */
export function auditFolder({ audit, data }: Pick<Config, 'audit' | 'data'>): string {
  return audit.folder ?? join(resolve(data), 'audit')
}

/** Opens the audit of a configuration. Throws when its folder cannot be written. */
export async function openAudit(config: Config, { store, clock, onFault }: AuditPorts): Promise<Audit> {
  const { whenUnwritable, checkpointSeconds, fileMegabytes } = config.audit
  const keys = await openKeyRing({ store: store.keys, ...auditKeys, clock })
  const trail = openTrail({
    folder: auditFolder(config),
    fileBytes: fileMegabytes * 1024 * 1024,
    checkpointSeconds,
    whenUnwritable,
    signer: () => keys.signing,
    clock,
    onFault,
  })
  return { trail, keys }
}
