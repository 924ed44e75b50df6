import { isJsonObject, type JsonObject, parseJsonObject } from '../core/json-object.ts'

/** What was received. All of it is untrusted. */
export interface Reply {
  readonly url: string
  /** 0 if there was no answer; then `problem` says why. */
  readonly status: number
  /** By lower-case name; repeated headers are joined with commas. */
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: readonly string[]
  /** The body, truncated at the limit. */
  readonly text: string
  readonly problem?: string
}

/** The body as a JSON object, whatever its media type; undefined for anything else. */
export function jsonOf({ text }: Reply): JsonObject | undefined {
  return parseJsonObject(text)
}

/** The error code in an answer of a Portcullis gateway; undefined for any other answer. */
export function codeOf(reply: Reply): unknown {
  const error = jsonOf(reply)?.['error']
  const data = isJsonObject(error) ? error['data'] : undefined
  return isJsonObject(data) ? data['code'] : undefined
}

/** Whether a body is an HTML page. */
export function isPage({ headers, text }: Reply): boolean {
  return (headers['content-type'] ?? '').includes('html') || /^\s*<(?:!doctype|html)/i.test(text)
}

/** Whether a request was accepted. */
export function isSuccess({ status }: Reply): boolean {
  return status >= 200 && status < 300
}

/** Whether a document was found: 200 with a JSON object. */
export function isDocument(reply: Reply): boolean {
  return reply.status === 200 && jsonOf(reply) !== undefined
}

/** A short description of what was received. */
export function describe(reply: Reply): string {
  const { status, headers, problem } = reply
  if (status === 0) return problem ?? 'no answer'
  if (headers['location'] !== undefined)
    return `${status}, a redirect to ${withoutQuery(headers['location'])}`
  if (isPage(reply)) return `${status} with an HTML page`
  const body = jsonOf(reply)
  const error = body?.['error']
  if (typeof error === 'string') {
    const description = body?.['error_description']
    return `${status} ${error}${typeof description === 'string' ? ` (${description})` : ''}`
  }
  if (isJsonObject(error))
    return `${status}, JSON-RPC error ${String(error['code'])} ${String(error['message'])}`
  return `${status} ${headers['content-type'] ?? 'without a media type'}`
}

/** A URL in the form in which it may be shown: a query may contain secrets. */
function withoutQuery(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

/** The texts in a member that should be a list of texts. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}
