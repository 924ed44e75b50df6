/**
 * What a request was about: MCP; OAuth, at the authorization server; `proxy`, what the gateway passes on to the
 * authorization server; `access`, everything else that the gateway answers itself.
 */
export type EventKind = 'access' | 'oauth' | 'mcp' | 'proxy'

/**
 * `challenged` asks for credentials or scopes, `denied` says no or not now, `failed` is an error here or on a server.
 */
export type Outcome = 'allowed' | 'challenged' | 'denied' | 'failed'

/** The steps of OAuth, as named in the log and the metrics. */
export type OAuthStep =
  | 'discovery'
  | 'keys'
  | 'registration'
  | 'authorization'
  | 'pushed_request'
  | 'device'
  | 'login'
  | 'logout'
  | 'consent'
  | 'token'
  | 'revocation'
  | 'introspection'
  | 'resumption'
  | 'page'

/**
 * What is known of a request when it is over, for log, metrics, traces and dashboard. At the authorization
 * server, the audit is told the same. No secrets.
 */
export interface RequestEvent {
  readonly kind: EventKind
  readonly outcome: Outcome
  readonly requestId: string
  readonly httpMethod: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
  readonly address: string | undefined
  /** An error code. */
  readonly code?: string | undefined
  /** Why, for the operator. */
  readonly reason?: string | undefined
  /** The reason in this particular case: what was found, and what would have been right. */
  readonly specifics?: string | undefined
  /** What policies that do not decide would have refused it for. */
  readonly objection?: string | undefined
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  readonly clientId?: string | undefined
  readonly upstream?: string | undefined
  readonly era?: string | undefined
  /** JSON-RPC methods; more than one in a batch. */
  readonly methods?: readonly string[] | undefined
  /**
   * The one that was refused because it is unknown here. Chosen by the client, so it is not a metric label.
   */
  readonly unknownMethod?: string | undefined
  /** The named tool, resource or prompt, or several separated by spaces. Chosen by the client. */
  readonly object?: string | undefined
  /** Scopes that the call needed. */
  readonly scopes?: readonly string[] | undefined
  /** Those of them that the token lacked, if it was refused for that. */
  readonly missing?: readonly string[] | undefined
  readonly step?: OAuthStep | undefined
  readonly grantType?: string | undefined
}

/** Records each request when it is over. */
export type Observe = (event: RequestEvent) => void
