/** Every published revision of the Model Context Protocol, oldest first. */
const revisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const

/** A published revision. */
export type Revision = (typeof revisions)[number]

/** Legacy: `initialize` and sessions. Modern: each request has its own `_meta`. */
export type Era = 'legacy' | 'modern'

/** The revision of a client that names none (MCP 2025-06-18, transports, "Protocol Version Header"). */
export const assumedRevision: Revision = '2025-03-26'

const firstModern: Revision = '2026-07-28'

/** Whether a value names a published revision. Untrusted input is fine. */
export function isRevision(value: unknown): value is Revision {
  return (revisions as readonly unknown[]).includes(value)
}

/**
 * The era of a revision, including future ones, since revisions are dates and sort as text. Untrusted input
 * is fine.
 */
export function eraOf(revision: string): Era {
  return /^\d{4}-\d{2}-\d{2}$/.test(revision) && revision >= firstModern ? 'modern' : 'legacy'
}

const modernRevisions: readonly Revision[] = revisions.filter((revision) => eraOf(revision) === 'modern')

/** The revisions that are listed to a client of this era that asked for a different one. */
export function supportedIn(era: Era): readonly Revision[] {
  return era === 'modern' ? modernRevisions : revisions
}

/** Only one revision has batches. */
export function hasBatches(revision: Revision): boolean {
  return revision === '2025-03-26'
}

/** Clients of these revisions never ask for more scopes later, so the first challenge names all of them. */
export function lacksStepUp(revision: Revision): boolean {
  return revision < '2025-11-25'
}

/** The newest revision of each era, which the gateway uses when it speaks for itself. */
export const newest = { legacy: '2025-11-25', modern: '2026-07-28' } as const satisfies Record<Era, Revision>
