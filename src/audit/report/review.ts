import type { Decisions } from './collect.ts'

/** What somebody may do on a server through a client. */
export interface StandingAccess {
  /** A user, or a client that acts for itself. */
  readonly subject: string
  readonly clientId: string
  /** The URL of the server. */
  readonly resource: string
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch; undefined if it is granted by the configuration. */
  readonly since: number | undefined
  /** When it was last used, in ISO 8601; undefined if never in this period. */
  readonly usedAt: string | undefined
}

/** A user who has an account here. */
export interface ReviewedUser {
  readonly id: string
  readonly name: string
  /** The identity provider that vouches for them; undefined for local users. */
  readonly provider: string | undefined
  /** What the provider last said of them. */
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly state: string
}

/** A program that can request tokens. */
export interface ReviewedClient {
  readonly id: string
  readonly name: string
  readonly grantTypes: readonly string[]
  /** The most that it may get; undefined if only consent limits it. */
  readonly scopes: readonly string[] | undefined
  /** The names of the servers that it may get tokens for; undefined for all. */
  readonly servers: readonly string[] | undefined
  /** How it became known. */
  readonly state: string
}

/** A third party whose statements give access. */
export interface ReviewedIssuer {
  readonly issuer: string
  /** What is accepted from it: its access tokens, or its statements about who somebody is. */
  readonly kind: string
  /** Whose tokens or users are accepted. */
  readonly accepts: string
  /** What they get, depending on what the issuer says of them. */
  readonly gives: readonly string[]
}

/** An MCP server behind the gateway. */
export interface ReviewedServer {
  readonly name: string
  readonly resource: string
  /** What its rules allow, whatever the scopes. */
  readonly rules: readonly string[]
}

/** A policy: who may use what. */
export interface ReviewedPolicy {
  readonly name: string
  /** Its file, line and column. */
  readonly place: string
  readonly effect: 'permit' | 'forbid'
  /** In one line, without comments. */
  readonly text: string
}

/** A role that the configuration gives, and who has it. */
export interface ReviewedRole {
  readonly name: string
  readonly users: readonly string[]
  readonly groups: readonly string[]
  readonly clients: readonly string[]
}

/** What an access review covers. */
export interface AccessReview {
  readonly publicUrl: string
  /** Milliseconds since the epoch. */
  readonly madeAt: number
  /** Who can log in, as a sentence. */
  readonly logins: string
  readonly servers: readonly ReviewedServer[]
  readonly users: readonly ReviewedUser[]
  readonly clients: readonly ReviewedClient[]
  readonly issuers: readonly ReviewedIssuer[]
  readonly policies: readonly ReviewedPolicy[]
  /** Whether they decide, as a sentence. */
  readonly policyMode: string
  readonly roles: readonly ReviewedRole[]
  readonly access: readonly StandingAccess[]
  /** Whether there is more access than is listed. */
  readonly hasMore: boolean
  readonly decisions: Decisions
  /** Where the events are from, and whether they verified: sentences. */
  readonly record: readonly string[]
}
