import type { Dispatcher } from 'undici'

/**
 * Reads the whole body of an answer; undefined if it is longer than `maxBytes`, in which case the connection
 * is dropped.
 */
export async function readWhole(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    // Leaving the loop destroys the stream.
    if (length > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** The headers of an answer in the form used by `fetch`. Untrusted. */
export function fetchHeaders(headers: Dispatcher.ResponseData['headers']): Headers {
  const fields = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) fields.append(name, one)
  }
  return fields
}
