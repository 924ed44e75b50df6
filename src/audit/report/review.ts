import type { Decisions } from './collect.ts'

/** What somebody may do through a client on a server. */
export interface StandingAccess {
  /** Who: a person, or a client that acts for itself. */
  readonly subject: string
  readonly clientId: string
  /** The URL of the server. */
  readonly resource: string
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch; undefined where the configuration gives it. */
  readonly since: number | undefined
  /** When it was last let pass, in ISO 8601; undefined for never in this time. */
  readonly usedAt: string | undefined
}

/** A person who has an account here. */
export interface ReviewedUser {
  readonly id: string
  readonly name: string
  /** The identity provider that vouches for them; undefined for who logs in here. */
  readonly provider: string | undefined
  /** What the provider said of them last. */
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly state: string
}

/** A program that can ask for tokens. */
export interface ReviewedClient {
  readonly id: string
  readonly name: string
  readonly grantTypes: readonly string[]
  /** The most that it may get; undefined where nothing but consent limits it. */
  readonly scopes: readonly string[] | undefined
  /** The names of the servers that it may have tokens for; undefined for all. */
  readonly servers: readonly string[] | undefined
  /** How it came to be known. */
  readonly state: string
}

/** Somebody else whose word gives access. */
export interface ReviewedIssuer {
  readonly issuer: string
  /** What of it is believed: its access tokens, or that it says who somebody is. */
  readonly kind: string
  /** Whose tokens or people count. */
  readonly accepts: string
  /** What they get, by what the issuer says of them. */
  readonly gives: readonly string[]
}

/** An MCP server behind the gate. */
export interface ReviewedServer {
  readonly name: string
  readonly resource: string
  /** What its rules leave, whatever the scopes. */
  readonly rules: readonly string[]
}

/** What an access review looks at. */
export interface AccessReview {
  readonly publicUrl: string
  /** Milliseconds since the epoch. */
  readonly madeAt: number
  /** Who can log in, in a sentence. */
  readonly logins: string
  readonly servers: readonly ReviewedServer[]
  readonly users: readonly ReviewedUser[]
  readonly clients: readonly ReviewedClient[]
  readonly issuers: readonly ReviewedIssuer[]
  readonly access: readonly StandingAccess[]
  /** Whether there is more access than is listed. */
  readonly hasMore: boolean
  readonly decisions: Decisions
  /** Where the events are from, and whether they verified: sentences. */
  readonly record: readonly string[]
}
