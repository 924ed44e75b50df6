import type { Dialect } from '../mcp/era.ts'
import type { Notification, Request, RequestId } from '../mcp/message.ts'
import type { MethodRow } from '../mcp/methods.ts'

/** One method that a client calls, with its row in the table. */
export interface MethodCall {
  readonly row: MethodRow
  readonly message: Request | Notification
}

/** A request that is well-formed MCP. Not yet authorized. */
export interface Call {
  readonly verb: 'POST' | 'GET' | 'DELETE'
  readonly dialect: Dialect
  /** Several in a batch; none for GET, DELETE and posted responses. */
  readonly methods: readonly MethodCall[]
  /** Whether the body holds responses to requests of the server. */
  readonly answers: boolean
  readonly body: Buffer | undefined
  /** The id of the request, where there is exactly one. */
  readonly id: RequestId | undefined
}
