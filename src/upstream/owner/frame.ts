import { type ErrorCode, errorKinds, Refusal } from '../../core/errors.ts'
import type { UpstreamRequest } from '../contract.ts'

/** A request on its way to another process of ours, with the name of the connector there. */
export interface Framed {
  readonly way: string
  readonly request: UpstreamRequest
}

/** Marks an answer as a refusal. */
export const refusalHeader = 'x-portcullis-refusal'

const lineEnd = 0x0a

/** Writes a request as one line of JSON, followed by the unchanged body. */
export function frame(way: string, { body, ...request }: UpstreamRequest): Buffer {
  const head = Buffer.from(`${JSON.stringify({ way, hasBody: body !== undefined, request })}\n`)
  return body === undefined ? head : Buffer.concat([head, body])
}

/** Reads what `frame` wrote. The input comes only from our own processes. */
export function unframe(bytes: Buffer): Framed {
  const end = bytes.indexOf(lineEnd)
  const { way, hasBody, request } = JSON.parse(bytes.toString('utf8', 0, end)) as {
    readonly way: string
    readonly hasBody: boolean
    readonly request: Omit<UpstreamRequest, 'body'>
  }
  // What JSON omits becomes undefined again.
  const body = hasBody ? bytes.subarray(end + 1) : undefined
  return {
    way,
    request: { ...request, id: request.id, session: request.session, renewal: request.renewal, body },
  }
}

/** Writes a refusal as the value of a header. */
export function writeRefusal({
  code,
  detail: { reason, explain, retryAfterSeconds, id, data },
}: Refusal): string {
  const told = { code, detail: { reason, explain, retryAfterSeconds, id, data } }
  return Buffer.from(JSON.stringify(told)).toString('base64url')
}

/** Reads what `writeRefusal` wrote. */
export function readRefusal(text: string): Refusal {
  const { code, detail } = JSON.parse(Buffer.from(text, 'base64url').toString()) as {
    readonly code: ErrorCode
    readonly detail: ConstructorParameters<typeof Refusal>[1]
  }
  return code in errorKinds ? new Refusal(code, detail) : new Refusal('internal', { reason: code })
}
