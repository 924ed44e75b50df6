import type { ServerResponse } from 'node:http'
import type { Principal } from '../core/principal.ts'
import type { AnswerHeaders, ResponseHead } from '../http/relay.ts'
import type { RequestId } from '../mcp/message.ts'
import type { Era } from '../mcp/revisions.ts'

/** An authorized request, as it goes to an MCP server. */
export interface UpstreamRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  /** Alternating names and values. Contains none of the client's credentials. */
  readonly headers: readonly string[]
  /** The bytes that were authorized, with the server's own ids instead of the client's sealed ones. */
  readonly body: Buffer | undefined
  readonly era: Era
  /** The id of the JSON-RPC request, if there is exactly one. */
  readonly id: RequestId | undefined
  /** Whether this is the `initialize` of a legacy session. */
  readonly opensSession: boolean
  /** Whether it cancels another request. */
  readonly cancels: boolean
  /** Whose request it is: the same string for the same issuer, subject and client. */
  readonly principal: string
  /** The server's own session, for a legacy request that belongs to one. */
  readonly session: string | undefined
  /** How to open the session again if the server has forgotten it; undefined if that is not allowed. */
  readonly renewal: SessionRenewal | undefined
}

/** What is needed to go on when a legacy server has forgotten a session. */
export interface SessionRenewal {
  /** The params of the client's `initialize`, as JSON. */
  readonly initialize: string
  /**
   * The revision that client and server agreed on; the client could not continue in a session of another one.
   */
  readonly revision: string
  /** Until when, in milliseconds since the epoch. */
  readonly until: number
  /**
   * By repeating the request in a new session; by following into one that was opened for another request; or,
   * from now on, not at all, because the client ends the session or relies on what the server keeps in it.
   */
  readonly by: 'repeating' | 'following' | 'nothing'
}

/** How a server's JSON-RPC messages, which are untrusted, are turned into those that the client gets. */
export interface Rewrite {
  /** The message for the client, or undefined if it gets none. */
  readonly change: (message: unknown) => unknown
  /** Whether a message with this text could be changed. One that could not passes as it came. */
  readonly concerns: (text: string) => boolean
  /** Whether an answer that is a single document is concerned, or only what comes in a stream. */
  readonly documents: boolean
  /**
   * What a position in a stream (the `id` of an event) becomes for the client; undefined if it stays as it is,
   * since nobody can come back to it.
   */
  readonly sealPlace?: ((place: string) => string | undefined) | undefined
}

/** Where the answer goes. */
export interface UpstreamReply {
  readonly res: ServerResponse
  /** Turns the head of a server's answer into the client's, or throws a Refusal. */
  readonly accept: (status: number, headers: AnswerHeaders) => ResponseHead
  /**
   * Applied to each message of the answer, and to each message of a batch; if undefined, the bytes pass
   * untouched.
   */
  readonly rewrite?: Rewrite | undefined
  /**
   * Called when the client has disconnected and the server goes on with its request, which ends with `over`.
   */
  readonly onLeft?: ((over: Promise<void>) => void) | undefined
}

/** A way to one MCP server. */
export interface Connector {
  /**
   * Sends a request and streams the answer. Rejects with a Refusal as long as nothing was sent to the client.
   */
  send(request: UpstreamRequest, reply: UpstreamReply): Promise<void>
  close(): Promise<void>
}

/** What the gateway presents to an MCP server, instead of the client's credentials. */
export interface UpstreamCredential {
  /**
   * The headers that carry it, alternating names and values; synchronous if nothing has to be fetched. The
   * same array as long as the credential is the same. Rejects with `upstream_credential_unavailable`.
   */
  readonly headers: (principal: Principal) => readonly string[] | Promise<readonly string[]>
  /** Called when the server has rejected these headers. */
  readonly refused?: (principal: Principal, headers: readonly string[]) => void
  readonly close?: () => void
}
