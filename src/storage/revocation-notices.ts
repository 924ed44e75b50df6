import type { Revocation } from './contract.ts'
import type { Notices } from './notices.ts'

/** Spreads revocations to other processes at once, for those that do not wait until they look into the store. */
export interface RevocationNotices {
  tell(revocation: Revocation): Promise<void>
  hear(listener: (revocation: Revocation) => void): () => void
}

/** For a store that has one process, or whose processes look often enough. */
export const noNotices: RevocationNotices = { tell: async () => undefined, hear: () => () => undefined }

/** Revocations of one tenant as notices. */
export function revocationNotices(notices: Notices, tenant: string): RevocationNotices {
  return {
    tell: ({ kind, id, expiresAt }) => notices.send(JSON.stringify({ tenant, kind, id, expiresAt })),
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
    const { tenant, kind, id, expiresAt } = JSON.parse(text) as Record<string, unknown>
    const isOurs = typeof tenant === 'string' && typeof id === 'string' && Number.isFinite(expiresAt)
    if (!isOurs || (kind !== 'grant' && kind !== 'token')) return undefined
    return { tenant, kind, id, expiresAt: expiresAt as number }
  } catch {
    return undefined // no JSON, so no notice of ours
  }
}
