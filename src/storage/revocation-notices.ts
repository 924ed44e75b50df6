import type { Notices } from './notices.ts'
import type { Revocation } from './revocation-contract.ts'

/** Spreads revocations to other processes at once, for those that do not wait until they look into the store. */
export interface RevocationNotices {
  tell(revocations: readonly Revocation[]): Promise<void>
  hear(listener: (revocation: Revocation) => void): () => void
}

/** For a store that has one process, or whose processes look often enough. */
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

/** What comes over the channel is another version's or a stranger's as well, who has the database but not our trust. */
function read(text: string): (Revocation & { readonly tenant: string }) | undefined {
  try {
    const { tenant, kind, id, expiresAt, revokedAt } = JSON.parse(text) as Record<string, unknown>
    const isOurs = typeof tenant === 'string' && typeof id === 'string'
    if (!isOurs || !isTime(expiresAt) || !isTime(revokedAt)) return undefined
    if (kind !== 'grant' && kind !== 'token' && kind !== 'client' && kind !== 'user') return undefined
    return { tenant, kind, id, expiresAt, revokedAt }
  } catch {
    return undefined // no JSON, so no notice of ours
  }
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value)
}
