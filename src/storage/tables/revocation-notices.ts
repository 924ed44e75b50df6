import type { Notices } from '../database/notices.ts'
import type { Revocation } from '../revocation-contract.ts'

/**
 * Sends revocations to other processes immediately, so that they need not wait until they next look into the
 * store.
 */
export interface RevocationNotices {
  tell(revocations: readonly Revocation[]): Promise<void>
  hear(listener: (revocation: Revocation) => void): () => void
}

/** For a store that has only one process, or whose processes look often enough. */
export const noNotices: RevocationNotices = { tell: async () => undefined, hear: () => () => undefined }

/** Revocations of one tenant as notices. */
export function revocationNotices(notices: Notices, tenant: string): RevocationNotices {
  return {
    tell: (revocations) =>
      notices.send(revocations.map((revocation) => JSON.stringify({ tenant, ...revocation }))),
    hear: (listener) =>
      notices.hear((text) => {
        const revocation = read(text)
        if (revocation?.tenant === tenant) listener(revocation)
      }),
  }
}

/**
 * Messages on the channel may also come from another version, or from a stranger who has access to the
 * database but not our trust.
 */
function read(text: string): (Revocation & { readonly tenant: string }) | undefined {
  try {
    const { tenant, kind, id, expiresAt, revokedAt } = JSON.parse(text) as Record<string, unknown>
    const isOurs = typeof tenant === 'string' && typeof id === 'string'
    if (!isOurs || !isTime(expiresAt) || !isTime(revokedAt)) return undefined
    if (kind !== 'grant' && kind !== 'token' && kind !== 'client' && kind !== 'user') return undefined
    return { tenant, kind, id, expiresAt, revokedAt }
  } catch {
    return undefined // not JSON, so not one of our notices
  }
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value)
}
