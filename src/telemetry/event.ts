/** What a request was about; tells log lines and audit entries apart. */
export type EventKind = 'access' | 'oauth' | 'mcp' | 'proxy'

/** `challenged` asks for credentials or scopes, `denied` says no, `failed` is a fault of ours or of a server. */
export type Outcome = 'allowed' | 'challenged' | 'denied' | 'failed'

/** The steps of OAuth, as the log and the metrics name them. */
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

/** What is known of a request when it is over. Made once per request; feeds log, metrics and audit. No secrets. */
export interface RequestEvent {
  readonly kind: EventKind
  readonly outcome: Outcome
  readonly requestId: string
  readonly httpMethod: string
  readonly path: string
  readonly status: number
  readonly durationMs: number
  readonly address: string | undefined
  /** An error code, then what an operator should know. */
  readonly code?: string | undefined
  readonly reason?: string | undefined
  /** The reason in this very case: what was found, and what would have been right. */
  readonly specifics?: string | undefined
  readonly issuer?: string | undefined
  readonly subject?: string | undefined
  readonly clientId?: string | undefined
  readonly upstream?: string | undefined
  readonly era?: string | undefined
  /** JSON-RPC methods; more than one in a batch. */
  readonly methods?: readonly string[] | undefined
  /** The one that was refused since nobody here knows it. Chosen by the client, so it labels no metric. */
  readonly unknownMethod?: string | undefined
  /** The tool, resource or prompt that was named, or several with spaces between. Chosen by the client. */
  readonly object?: string | undefined
  /** Scopes that the call needed. */
  readonly scopes?: readonly string[] | undefined
  /** Those of them that the token lacked, where it was refused for that. */
  readonly missing?: readonly string[] | undefined
  readonly step?: OAuthStep | undefined
  readonly grantType?: string | undefined
}

/** Takes note of each request when it is over. */
export type Observe = (event: RequestEvent) => void
