import type { Revision } from '../mcp/revisions.ts'
import type { Ask } from './ask.ts'
import type { CheckName } from './checks.ts'
import type { ClientProfile } from './profile.ts'
import type { Report } from './report.ts'

/**
 * How a check ended. Only `failed` violates a requirement (must); `warning` is a recommendation or a known
 * problem.
 */
export type Mark = 'passed' | 'warning' | 'failed' | 'skipped'

/** What is required before a check can be made. */
export type Need = 'resource' | 'server' | 'client' | 'login' | 'token' | 'refresh'

/** One thing that is checked, as data, so that output, documentation and tests agree. */
export interface Check {
  readonly stage: string
  /** What is true if the check passes. */
  readonly title: string
  /** Ids of docs/conformance.md. */
  readonly requirements: readonly string[]
  /** The same in the words of the standards. */
  readonly source: string
  /** What a server author can do about it, unless the step knows better. */
  readonly fix: string
  readonly needs?: Need
}

/** The outcome of one check. Holds no secret. */
export interface Finding {
  readonly check: CheckName
  readonly mark: Mark
  readonly stage: string
  readonly title: string
  readonly requirements: readonly string[]
  readonly source: string
  /** What was seen; for a skipped check, the reason. */
  readonly detail?: string
  readonly cause?: string
  readonly fix?: string
}

/** How tokens are obtained: given, from a user who approves, or as a machine. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'login'; readonly waitMs: number }
  | { readonly kind: 'machine'; readonly clientId: string; readonly clientSecret: string }

/** One examination: which client examines which server, and with what. */
export interface Visit {
  /** The MCP endpoint. */
  readonly endpoint: URL
  readonly profile: ClientProfile
  /** The revision used at the MCP endpoint. */
  readonly revision: Revision
  readonly credentials: Credentials
  /** A client that is already known there. */
  readonly client?: OAuthClient
  /** A token for another resource, which must not be accepted by this one. */
  readonly foreignToken?: string
  readonly ask: Ask
  readonly report: Report
  /** Tells the user at the terminal what doctor is waiting for. */
  readonly say: (line: string) => void
}

/** A client as the authorization server knows it. */
export interface OAuthClient {
  readonly id: string
  readonly secret?: string
  /** The `token_endpoint_auth_method` that it was registered with, if the server said so. */
  readonly authMethod?: string
  readonly redirectUri: string
}

/** What a client takes from the challenge and the metadata of the MCP server (RFC 9728). Untrusted. */
export interface ResourceFacts {
  readonly issuer: string
  /** What is sent as `resource` (RFC 8707). */
  readonly resource: string
  readonly scopes: readonly string[]
}

/**
 * What a client takes from the metadata of the authorization server (RFC 8414). Untrusted, but its URLs are
 * checked.
 */
export interface ServerFacts {
  readonly issuer: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  /** How clients may authenticate there; empty if the metadata does not say. */
  readonly authMethods: readonly string[]
  readonly registrationEndpoint?: string
  readonly metadataUrl: string
  readonly scopes: readonly string[]
  readonly sendsIssuer: boolean
  readonly takesDocuments: boolean
}

/** Tokens as they were received. `refreshToken` is absent if there was none. */
export interface Tokens {
  readonly accessToken: string
  readonly refreshToken?: string
}
