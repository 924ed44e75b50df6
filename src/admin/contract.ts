/** A table of what is in the store, and what an operator may do with each row. */
export interface Listing {
  readonly title: string
  /** Where the table is. */
  readonly path: string
  /** What stands above it. */
  readonly about: string
  readonly columns: readonly string[]
  /** The rows of a page. What is asked for is untrusted. */
  readonly rows: (asked: ListingQuery) => Promise<ListedPage>
  readonly actions: Readonly<Record<string, ListingAction>>
}

/** What somebody wants to see of a listing. */
export interface ListingQuery {
  /** Rows in which this text is found; empty for all. */
  readonly text: string
  /** From 1 on. */
  readonly page: number
}

/** One page of a listing. */
export interface ListedPage {
  readonly rows: readonly ListedRow[]
  /** How many rows there are on all pages. */
  readonly total: number
  /** The page that it is: the last one where a later one was asked for. */
  readonly page: number
}

/** The rows of a page. */
export const rowsOfPage = 100

/** One row of a listing. */
export interface ListedRow {
  /** Names the row in forms; no secret. */
  readonly id: string
  readonly cells: readonly string[]
  /** The names of the actions that this row offers. */
  readonly actions: readonly string[]
}

/** Something that an operator may do. */
interface ListingAction {
  readonly label: string
  /** What happens, for a person who is asked whether they are sure. */
  readonly consequence: string
  /** Resolves to what to tell the operator; a secret among it is shown once. Throws ActionRefused. The id is untrusted. */
  readonly act: (id: string, operator: string) => Promise<string>
}

/** What an operator asked for cannot be done; the message says why and is for that person. */
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
  /** Requests a second. */
  readonly allowed: number
  readonly refused: number
  readonly failed: number
  /** Milliseconds; undefined where nothing was measured. */
  readonly median: number | undefined
  readonly slow: number | undefined
}

/** A table of the overview. */
export interface Table {
  readonly caption: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** What stands in its place where there are no rows. */
  readonly none: string
}

/** What the overview shows. */
export interface Overview {
  readonly points: readonly ChartPoint[]
  /** By the name under which the page has them. */
  readonly tables: Readonly<Record<string, Table>>
}
