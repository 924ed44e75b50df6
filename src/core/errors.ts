import { StoreAway, storeAwaySeconds } from './store-away.ts'

/**
 * All refusals of Portcullis. `status` is the HTTP status, `rpc` the JSON-RPC code, and `message` what a
 * client may know. Our own codes stay outside -32768..-32000, as JSON-RPC 2.0 section 5.1 and MCP require,
 * and repeat the HTTP status. docs/errors.md explains each one; a test keeps the two in step.
 */
export const errorKinds = {
  host_not_allowed: { status: 403, rpc: 403, message: 'This host name is not served here' },
  origin_not_allowed: { status: 403, rpc: 403, message: 'This origin may not call this server' },
  not_found: { status: 404, rpc: 404, message: 'Nothing is served at this path' },
  path_outside: { status: 404, rpc: 404, message: 'This path is not under the public URL' },
  method_not_allowed: { status: 405, rpc: 405, message: 'This HTTP method is not allowed here' },
  body_too_large: { status: 413, rpc: 413, message: 'The request body is too large' },
  media_type_unsupported: {
    status: 415,
    rpc: 415,
    message: 'The body must be uncompressed application/json',
  },
  header_duplicated: { status: 400, rpc: 400, message: 'A header was sent more than once' },
  request_aborted: { status: 400, rpc: 400, message: 'The request ended before its body did' },
  // Not 429: clients that probe for the protocol era would take it for a server of the older one.
  too_many_requests: { status: 503, rpc: 503, message: 'Too many requests at the moment' },

  token_missing: { status: 401, rpc: 401, message: 'Unauthorized' },
  token_invalid: { status: 401, rpc: 401, message: 'Unauthorized' },
  proof_invalid: { status: 401, rpc: 401, message: 'Unauthorized' },
  proof_nonce_needed: { status: 401, rpc: 401, message: 'Unauthorized' },
  token_repeated: { status: 400, rpc: 400, message: 'The access token was sent in more than one way' },
  scope_insufficient: { status: 403, rpc: 403, message: 'The access token lacks a scope' },
  object_denied: { status: 403, rpc: 403, message: 'This is not available here' },
  policy_denied: { status: 403, rpc: 403, message: 'No policy permits you this' },
  question_denied: { status: 403, rpc: 403, message: 'The MCP server asked what it may not ask here' },

  json_invalid: { status: 400, rpc: -32700, message: 'The body is not valid JSON' },
  message_invalid: { status: 400, rpc: -32600, message: 'The body is not a valid JSON-RPC message' },
  batch_unsupported: { status: 400, rpc: -32600, message: 'Batches exist in MCP 2025-03-26 only' },
  meta_missing: { status: 400, rpc: -32602, message: 'A required _meta key is missing' },
  header_mismatch: { status: 400, rpc: -32020, message: 'Header mismatch' },
  version_unsupported: { status: 400, rpc: -32022, message: 'Unsupported protocol version' },
  method_unknown: { status: 404, rpc: -32601, message: 'Method not found' },
  method_unknown_legacy: { status: 200, rpc: -32601, message: 'Method not found' },
  notification_unknown: { status: 400, rpc: -32601, message: 'Method not found' },
  params_invalid: { status: 400, rpc: -32602, message: 'Invalid params' },
  // The same answer as from a server that does not know the task, so that nobody learns which tasks exist.
  task_unknown: { status: 200, rpc: -32602, message: 'Task not found' },
  response_unexpected: { status: 400, rpc: -32600, message: 'No request waits for this response' },

  session_missing: { status: 400, rpc: 400, message: 'The Mcp-Session-Id header is missing' },
  session_unknown: { status: 404, rpc: 404, message: 'Session not found' },

  upstream_unreachable: { status: 502, rpc: 502, message: 'The MCP server cannot be reached' },
  upstream_refused: { status: 502, rpc: 502, message: 'The MCP server did not accept the gateway' },
  upstream_credential_unavailable: {
    status: 503,
    rpc: 503,
    message: 'The gateway has no credential for the MCP server right now',
  },
  upstream_invalid: { status: 502, rpc: 502, message: 'The MCP server gave an answer that is not MCP' },
  upstream_interrupted: { status: 502, rpc: 502, message: 'The MCP server ended the answer early' },
  gateway_interrupted: {
    status: 502,
    rpc: 502,
    message: 'The gateway was interrupted before the MCP server had answered',
  },
  upstream_timeout: { status: 504, rpc: 504, message: 'The MCP server did not answer in time' },
  upstream_resting: { status: 503, rpc: 503, message: 'The MCP server cannot be reached at the moment' },
  upstream_busy: { status: 503, rpc: 503, message: 'The MCP server takes no more requests at the moment' },
  authorization_server_away: {
    status: 503,
    rpc: 503,
    message: 'The authorization server cannot be reached at the moment',
  },
  era_unbridgeable: {
    status: 501,
    rpc: 501,
    message: 'This does not exist in the protocol era that the other side speaks',
  },
  keys_unavailable: { status: 503, rpc: 503, message: 'Access tokens cannot be verified right now' },
  audit_unavailable: { status: 503, rpc: 503, message: 'Nothing can be decided here right now' },
  internal: { status: 500, rpc: 500, message: 'Something went wrong inside the gateway' },
} as const satisfies Record<string, ErrorKind>

interface ErrorKind {
  readonly status: number
  readonly rpc: number
  readonly message: string
}

/** The closed set of error codes. */
export type ErrorCode = keyof typeof errorKinds

/** The OAuth challenge that goes with a 401 or a 403 (RFC 6750 section 3, RFC 9449 section 7.1). */
export interface ChallengeDetail {
  /** Scopes to name, without duplicates. */
  readonly scopes: readonly string[]
  /** Absent when no credentials were sent (RFC 6750 section 3.1). */
  readonly error?: 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof' | 'use_dpop_nonce'
  /** Whether the DPoP scheme is offered in addition to Bearer. */
  readonly offersDpop: boolean
  /** For the client's developer. Never contains input from the request. */
  readonly description?: string
}

interface RefusalDetail {
  /** For the operator: goes to the log and the audit, never to the client. */
  readonly reason?: string
  /** Details of this case, only for the log, if reasons are a closed set. No secrets. */
  readonly specifics?: string
  /** For the client: appended to the message. Never contains unchecked input from the request. */
  readonly explain?: string
  /** The unknown JSON-RPC method, for the operator. Written by the client. */
  readonly method?: string
  /** The JSON-RPC `error.data` member. */
  readonly data?: unknown
  /** The id of the JSON-RPC request that is refused. */
  readonly id?: string | number | undefined
  readonly challenge?: ChallengeDetail
  /** The scopes that the token lacked; also for the operator. */
  readonly missing?: readonly string[]
  /** The nonce for the client's next DPoP proof (RFC 9449 section 9). */
  readonly nonce?: string
  readonly retryAfterSeconds?: number
  /** The methods of an `Allow` header (RFC 9110 section 15.5.6). */
  readonly allow?: string
  readonly cause?: unknown
}

/** A refused request, described for two audiences: `message` for the client and `reason` for the operator. */
export class Refusal extends Error {
  readonly code: ErrorCode
  readonly detail: RefusalDetail

  constructor(code: ErrorCode, detail: RefusalDetail = {}) {
    const { message } = errorKinds[code]
    super(detail.explain === undefined ? message : `${message}: ${detail.explain}`, { cause: detail.cause })
    this.name = 'Refusal'
    this.code = code
    this.detail = detail
  }

  get status(): number {
    return errorKinds[this.code].status
  }

  /** The reason for the log: the one in the detail, or else the code. */
  get reason(): string {
    return this.detail.reason ?? this.code
  }
}

/**
 * What a client gets for an error: the refusal that it is, that the store is away, or that something went wrong
 * inside.
 */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (!(error instanceof StoreAway)) return new Refusal('internal', { cause: error })
  const reason = 'the store cannot be reached'
  return new Refusal('keys_unavailable', { reason, cause: error, retryAfterSeconds: storeAwaySeconds })
}
