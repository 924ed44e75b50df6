/** The version of the schema of events, as docs/audit.md describes it. */
export const schemaVersion = 1

/**
 * The outcome of a decision. `challenged` asks for credentials or scopes, `denied` says no, `limited` says
 * not now, `failed` is an error here or on a server.
 */
export const outcomes = ['allowed', 'challenged', 'denied', 'limited', 'failed'] as const

/** One of `outcomes`. */
export type Outcome = (typeof outcomes)[number]

/** The names of events: a closed set. docs/audit.md explains each one; a test keeps the two in sync. */
export const eventNames = [
  'mcp.call',
  'mcp.failure',
  'http.refusal',
  'oauth.registration',
  'oauth.authorization',
  'oauth.pushed_request',
  'oauth.device',
  'oauth.login',
  'oauth.logout',
  'oauth.consent',
  'oauth.grant',
  'oauth.token',
  'oauth.revocation',
  'oauth.introspection',
  'oauth.request',
  'account.change',
  'admin.user',
  'admin.client',
  'admin.key',
  'admin.token',
  'admin.access',
  'admin.backup',
  'admin.audit',
  'admin.configuration',
] as const

/** One of `eventNames`. */
export type EventName = (typeof eventNames)[number]

/** The names of the events in which the trail describes itself. */
export const trailEventNames = ['audit.begin', 'audit.checkpoint', 'audit.gap', 'audit.end'] as const

/** One of `trailEventNames`. */
export type TrailEventName = (typeof trailEventNames)[number]

/** One decision: who, through which client, what, on which server, why. Without tokens and secrets. */
export interface AuditEvent {
  readonly event: EventName
  readonly outcome: Outcome
  readonly requestId?: string | undefined
  readonly address?: string | undefined
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  readonly clientId?: string | undefined
  /** Identifies the grant that the token came from; never its id. */
  readonly grant?: string | undefined
  /** Who acts for the subject (RFC 8693). */
  readonly actor?: string | undefined
  readonly upstream?: string | undefined
  /** The resource as the client wrote it, if tokens write it differently: the client's text. */
  readonly resourceAsked?: string | undefined
  readonly era?: string | undefined
  /** The JSON-RPC method; absent for requests without one. */
  readonly method?: string | undefined
  /** The named tool, resource or prompt, or several separated by spaces: the client's text. */
  readonly object?: string | undefined
  /** What the operator's rule leaves of the arguments: a keyed hash or a redacted copy. */
  readonly arguments?: ArgumentsRecord | undefined
  /** Position in a batch, from 0. */
  readonly batch?: number | undefined
  /** Scopes that were needed, requested or granted. */
  readonly scopes?: readonly string[] | undefined
  /** Those of them that the token lacked. */
  readonly missing?: readonly string[] | undefined
  readonly httpMethod?: string | undefined
  readonly path?: string | undefined
  readonly status?: number | undefined
  readonly grantType?: string | undefined
  /** An error code, then a reason for the operator. */
  readonly code?: string | undefined
  readonly reason?: string | undefined
  /** The operating system user who ran a command, the command, and its object. */
  readonly operator?: string | undefined
  readonly action?: string | undefined
  readonly target?: string | undefined
}

/** What an event says about arguments. */
export interface ArgumentsRecord {
  /** HMAC-SHA-256 of their canonical form, in base64url. */
  readonly hash?: string
  readonly redacted?: unknown
}

/** An event as it is recorded in the trail. Untrusted if read from files. */
export interface RecordedEvent extends Omit<AuditEvent, 'event' | 'outcome'> {
  readonly v: number
  readonly chain: string
  readonly seq: number
  readonly prev: string
  readonly time: string
  /** The tenant, if several share an installation. */
  readonly tenant?: string | undefined
  readonly event: EventName | TrailEventName
  /** Of a decision: the trail's events about itself have none. */
  readonly outcome?: Outcome | undefined
}
