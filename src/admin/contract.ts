/** A table of something in the store, and what an operator may do with each row. */
export interface Listing {
  readonly title: string
  /** The path of its page. */
  readonly path: string
  /** The text above it. */
  readonly about: string
  readonly columns: readonly string[]
  /** The rows of a page. The query is untrusted. */
  readonly rows: (asked: ListingQuery) => Promise<ListedPage>
  readonly actions: Readonly<Record<string, ListingAction>>
}

/** What somebody wants to see of a listing. */
export interface ListingQuery {
  /** Only rows that contain this text; empty for all. */
  readonly text: string
  /** From 1. */
  readonly page: number
}

/** One page of a listing. */
export interface ListedPage {
  readonly rows: readonly ListedRow[]
  /** The number of rows on all pages. */
  readonly total: number
  /** The number of this page: the last one if a later one was requested. */
  readonly page: number
}

/** The longest text to look for; more of it is ignored. */
export const longestQueryText = 200

/** The number of rows per page. */
export const rowsOfPage = 100

/** One row of a listing. */
export interface ListedRow {
  /** Identifies the row in forms; not a secret. */
  readonly id: string
  readonly cells: readonly string[]
  /** The names of the actions that this row offers. */
  readonly actions: readonly string[]
}

/** Something that an operator can do. */
export interface ListingAction {
  readonly label: string
  /** What will happen, for the user who is asked to confirm it. */
  readonly consequence: string
  /**
   * Resolves to a message for the operator; a secret in it is shown once. Throws ActionRefused. The id is
   * untrusted.
   */
  readonly act: (id: string, operator: string) => Promise<string>
}

/** An action is not possible; the message says why and is for the operator. */
export class ActionRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ActionRefused'
  }
}

/** A point of the charts: some seconds that are over. */
export interface ChartPoint {
  /** Seconds since the epoch. */
  readonly at: number
  /** Requests per second. */
  readonly allowed: number
  readonly refused: number
  readonly failed: number
  /** Milliseconds; undefined if nothing was measured. */
  readonly median: number | undefined
  readonly slow: number | undefined
}

/** A table of the overview. */
export interface Table {
  readonly caption: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** The text that replaces it if there are no rows. */
  readonly none: string
}

/** What the overview shows. */
export interface Overview {
  readonly points: readonly ChartPoint[]
  /** By the name that the page has for them. */
  readonly tables: Readonly<Record<string, Table>>
}
