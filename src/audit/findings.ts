/** What is wrong with a trail. */
type FindingKind = 'unreadable' | 'changed' | 'removed' | 'reordered' | 'unsigned' | 'lost'

/** One thing that is wrong, and where: a file and a line. */
export interface Finding {
  readonly kind: FindingKind
  readonly source: string
  readonly line: number
  readonly message: string
}

/** Where an event stands. */
export interface Spot {
  readonly source: string
  readonly line: number
}

/** The first sign that somebody has changed a trail; what was lost, the trail says itself. */
export function firstEvidence({ findings, more }: Found): Finding | undefined {
  return findings.find(({ kind }) => kind !== 'lost') ?? (more > 0 ? findings[0] : undefined)
}

interface Found {
  readonly findings: readonly Finding[]
  /** Findings beyond those that are listed. */
  readonly more: number
}

/** Tells that something is wrong at a spot. */
export type Tell = (kind: FindingKind, spot: Spot, message: string) => void

/** A spot in readable form. */
export function writeSpot({ source, line }: Spot): string {
  return `${source}:${line}`
}
