import type { ConsentQuestion, ConsentStore } from '../consent-contract.ts'
import type { StorePorts } from '../store-ports.ts'
import { removeExpired } from './remove-expired.ts'

/**
 * Remembered consent over SQL: one row per scope, so that remembering more never requires reading existing
 * rows. A row is valid as long as the description of the client is the one that the user agreed to.
 */
export function consentStore({
  db,
  engine,
  tenant,
  clock,
}: Pick<StorePorts, 'db' | 'engine' | 'tenant' | 'clock'>): ConsentStore {
  const columnsOf = ({ accountId, clientId, redirectHost, resource, clientDigest }: ConsentQuestion) => ({
    tenant,
    account_id: accountId,
    client_id: clientId,
    redirect_host: redirectHost,
    resource,
    client_digest: clientDigest,
  })

  return {
    async remember(question, scopes, expiresAt) {
      if (scopes.length === 0) return
      const columns = columnsOf(question)
      // In the same order for all, so that two concurrent calls do not wait for each other.
      const sorted = [...new Set(scopes)].toSorted()
      await db
        .insertInto('consents')
        .values(sorted.map((scope) => ({ ...columns, scope, expires_at: expiresAt })))
        .onConflict((conflict) =>
          conflict
            .columns(['tenant', 'account_id', 'client_id', 'redirect_host', 'resource', 'scope'])
            .doUpdateSet({ client_digest: columns.client_digest, expires_at: expiresAt }),
        )
        .execute()
    },
    async scopes(question) {
      const columns = columnsOf(question)
      const rows = await db
        .selectFrom('consents')
        .select('scope')
        .where('tenant', '=', tenant)
        .where('account_id', '=', columns.account_id)
        .where('client_id', '=', columns.client_id)
        .where('redirect_host', '=', columns.redirect_host)
        .where('resource', '=', columns.resource)
        .where('client_digest', '=', columns.client_digest)
        .where('expires_at', '>', clock.now())
        .execute()
      return rows.map(({ scope }) => scope)
    },
    async list(accountId) {
      const rows = await db
        .selectFrom('consents')
        .select(['client_id', 'resource', 'scope', 'expires_at'])
        .where('tenant', '=', tenant)
        .where('account_id', '=', accountId)
        .where('expires_at', '>', clock.now())
        .orderBy('client_id')
        .orderBy('resource')
        .orderBy('scope')
        .execute()
      return rows.map((row) => ({
        clientId: row.client_id,
        resource: row.resource,
        scope: row.scope,
        expiresAt: row.expires_at,
      }))
    },
    async forget(accountId, clientId) {
      await db
        .deleteFrom('consents')
        .where('tenant', '=', tenant)
        .where('account_id', '=', accountId)
        .$if(clientId !== undefined, (query) => query.where('client_id', '=', clientId as string))
        .execute()
    },
    async forgetClient(clientId) {
      await db.deleteFrom('consents').where('tenant', '=', tenant).where('client_id', '=', clientId).execute()
    },
    sweep: (before) => removeExpired({ db, engine, tenant }, 'consents', before),
  }
}
