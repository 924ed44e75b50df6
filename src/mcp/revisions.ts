/** Every published revision of the Model Context Protocol, oldest first. */
const revisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const

/** A published revision. */
export type Revision = (typeof revisions)[number]

/** Legacy: `initialize` and sessions. Modern: each request carries its own `_meta`. */
export type Era = 'legacy' | 'modern'

/** The revision that a client speaks when it names none (MCP 2025-06-18, transports, "Protocol Version Header"). */
export const assumedRevision: Revision = '2025-03-26'

const firstModern: Revision = '2026-07-28'

/** Says whether a value names a published revision. Untrusted input is fine. */
export function isRevision(value: unknown): value is Revision {
  return (revisions as readonly unknown[]).includes(value)
}

/** The era of a revision; also of one to come, since revisions are dates and sort as text. Untrusted input is fine. */
export function eraOf(revision: string): Era {
  return /^\d{4}-\d{2}-\d{2}$/.test(revision) && revision >= firstModern ? 'modern' : 'legacy'
}

const modernRevisions: readonly Revision[] = revisions.filter((revision) => eraOf(revision) === 'modern')

/** The revisions that are named to a client which asked for another one, in the manner of an era. */
export function supportedIn(era: Era): readonly Revision[] {
  return era === 'modern' ? modernRevisions : revisions
}

/** Batches exist in one revision only. */
export function hasBatches(revision: Revision): boolean {
  return revision === '2025-03-26'
}

/** Clients of these revisions never ask for more scopes later, so the first challenge names all of them. */
export function lacksStepUp(revision: Revision): boolean {
  return revision < '2025-11-25'
}

/** The newest revision of each era: what the gateway speaks where it speaks for itself. */
export const newest = { legacy: '2025-11-25', modern: '2026-07-28' } as const satisfies Record<Era, Revision>
