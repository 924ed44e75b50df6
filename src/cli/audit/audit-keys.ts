import { Command } from 'commander'
import { systemClock } from '../../core/clock.ts'
import { everyPublicKey } from '../../keys/key-ring.ts'
import { auditKeys } from '../../keys/key-states.ts'
import type { Store } from '../../storage/contract.ts'
import { addInstallationFlags, type StoreFlags, withStore } from '../with-store.ts'

/** `portcullis audit keys`: what an auditor needs to verify events without the store. */
export function auditKeysCommand(): Command {
  return addInstallationFlags(new Command('keys'))
    .description('Print the public keys that verify the audit (JWKS), including those that have ended.')
    .action(async (flags: StoreFlags) => console.log(JSON.stringify(await auditKeySet(flags), undefined, 2)))
}

/** The public keys of the audit of an installation, as a JWK Set. */
export async function auditKeySet(flags: StoreFlags): Promise<object> {
  return withStore(flags, ({ store }) => auditKeySetOf(store))
}

/** The same, for an open store. */
export function auditKeySetOf(store: Pick<Store, 'keys'>): Promise<object> {
  return everyPublicKey({ store: store.keys, ...auditKeys, clock: systemClock })
}
