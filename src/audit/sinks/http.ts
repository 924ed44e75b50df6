import type { FormatLine, Sink } from './contract.ts'

interface HttpSinkOptions {
  readonly name: string
  /** Chosen by the operator: private addresses are allowed. */
  readonly url: string
  /** Sent as a bearer token, if given. */
  readonly token?: string | undefined
  readonly format: FormatLine
}

const patienceMilliseconds = 10_000

/**
 * Posts events as JSON arrays. Anything but a 2xx means that they were not accepted; redirects are not
 * followed.
 */
export function httpSink({ name, url, token, format }: HttpSinkOptions): Sink {
  const headers = {
    'Content-Type': 'application/json',
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  }
  return {
    name,
    async deliver(lines) {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body: `[${lines.map(format).join(',')}]`,
        redirect: 'error',
        signal: AbortSignal.timeout(patienceMilliseconds),
      }).catch((error: unknown) => {
        const { cause, message } = error as Error & { cause?: { code?: string; message: string } }
        throw new Error(cause?.code ?? cause?.message ?? message, { cause: error })
      })
      await response.body?.cancel()
      if (!response.ok) throw new Error(`it answered ${response.status}`)
    },
    close: () => Promise.resolve(),
  }
}
