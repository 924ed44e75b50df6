import type { ServerResponse } from 'node:http'
import type { Principal } from '../core/principal.ts'
import type { AnswerHeaders, ResponseHead } from '../http/relay.ts'
import type { RequestId } from '../mcp/message.ts'
import type { Era } from '../mcp/revisions.ts'

/** A request that has passed the gate, as it goes to an MCP server. */
export interface UpstreamRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  /** Names and values, alternating. Nothing of the client's credentials. */
  readonly headers: readonly string[]
  /** The bytes that were authorized, with the server's own ids where the client holds sealed ones. */
  readonly body: Buffer | undefined
  readonly era: Era
  /** The id of the JSON-RPC request, where there is exactly one. */
  readonly id: RequestId | undefined
  /** Whether this is the `initialize` of a legacy session. */
  readonly opensSession: boolean
  /** Whether it says that another request is of no use any more. */
  readonly cancels: boolean
  /** Whose request it is: the same text for the same issuer, subject and client. */
  readonly principal: string
  /** The server's own session, for a legacy request that belongs to one. */
  readonly session: string | undefined
  /** How that is opened again should the server have forgotten it; undefined where it must not be. */
  readonly renewal: SessionRenewal | undefined
}

/** What it takes to go on when a legacy server has forgotten a session. */
export interface SessionRenewal {
  /** The params of the client's `initialize`, as JSON. */
  readonly initialize: string
  /** What client and server agreed to speak: in a session of another revision the client could not go on. */
  readonly revision: string
  /** Until when: milliseconds since the epoch. */
  readonly until: number
  /**
   * By repeating the request in a new session; by following into one that was opened for another request; or by nothing,
   * from now on: the client ends the session, or counts on what the server keeps in it.
   */
  readonly by: 'repeating' | 'following' | 'nothing'
}

/** How JSON-RPC messages of a server, which are untrusted, become those that the client gets. */
export interface Rewrite {
  /** The message for the client, or undefined where it gets none. */
  readonly change: (message: unknown) => unknown
  /** Whether a message with this text could be changed. One that could not passes as it came. */
  readonly concerns: (text: string) => boolean
  /** Whether an answer that is one document is concerned, or only what comes in a stream. */
  readonly documents: boolean
  /** What a place in a stream (the `id` of an event) becomes for the client. */
  readonly sealPlace?: ((place: string) => string) | undefined
}

/** Where the answer goes. */
export interface UpstreamReply {
  readonly res: ServerResponse
  /** Turns the head of a server's answer into the client's, or throws a Refusal. */
  readonly accept: (status: number, headers: AnswerHeaders) => ResponseHead
  /** For each message of the answer, each of a batch on its own; undefined lets the bytes pass untouched. */
  readonly rewrite?: Rewrite | undefined
  /** Told when the client has left and the server goes on with its request, which ends with `over`. */
  readonly onLeft?: ((over: Promise<void>) => void) | undefined
}

/** A way to one MCP server. */
export interface Connector {
  /** Sends a request and streams the answer. Rejects with a Refusal as long as nothing was sent to the client. */
  send(request: UpstreamRequest, reply: UpstreamReply): Promise<void>
  close(): Promise<void>
}

/** What the gateway presents to an MCP server, in place of anything of the client's. */
export interface UpstreamCredential {
  /**
   * The headers that carry it, names and values alternating: at once where nothing has to be fetched. The same array as
   * long as the credential is the same. Rejects with `upstream_credential_unavailable`.
   */
  readonly headers: (principal: Principal) => readonly string[] | Promise<readonly string[]>
  /** Told that the server did not accept these headers. */
  readonly refused?: (principal: Principal, headers: readonly string[]) => void
  readonly close?: () => void
}
