import { Refusal } from '../../core/errors.ts'

/** The refusal for an HTTP answer that can hold no message for anybody; undefined for one that may. Untrusted input. */
export function refusalForStatus(status: number): Refusal | undefined {
  const reason = `the server answered ${status}`
  if (status === 401 || status === 403 || status === 407) return new Refusal('upstream_refused', { reason })
  if (status >= 300 && status < 400) return new Refusal('upstream_invalid', { reason })
  return undefined
}

/** The media type of an answer, without its parameters. */
export function mediaTypeOf(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  return String(headers['content-type'] ?? '')
    .split(';', 1)[0]!
    .trim()
    .toLowerCase()
}
