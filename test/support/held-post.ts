import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** A request that has been sent except for the end of its body. */
interface HeldPost {
  /** Sends the rest. */
  finish(): Promise<{
    readonly status: number
    readonly location: string | undefined
    readonly challenge: string | undefined
    readonly body: string
  }>
}

/** Begins a POST. The server has its head, and some time to look at it. */
export async function holdPost(
  url: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
): Promise<HeldPost> {
  const posting = request(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)), expect: '100-continue' },
  })
  const answering = once(posting, 'response') as Promise<[IncomingMessage]>
  await once(posting, 'continue')
  posting.write(body.slice(0, -1))
  await new Promise((resolve) => setTimeout(resolve, 300))
  return {
    async finish() {
      posting.end(body.slice(-1))
      const [response] = await answering
      const { statusCode = 0, headers: answered } = response
      const { location, 'www-authenticate': challenge } = answered
      return { status: statusCode, location, challenge, body: await text(response) }
    },
  }
}
