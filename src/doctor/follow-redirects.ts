import type { Ask } from './ask.ts'
import type { Reply } from './reply.ts'

/** Where a browser would end up, as far as doctor follows it. */
export interface Journey {
  /** The last answer of the authorization server. */
  readonly reply: Reply
  /** Where it sends the browser, on another origin; nothing was requested there. */
  readonly away: URL | undefined
}

const mostHops = 6

/** Follows redirects within one origin, with the cookies that were set along the way. */
export async function followRedirects(ask: Ask, start: string): Promise<Journey> {
  const { origin } = new URL(start)
  const cookies = new Map<string, string>()
  let url = start
  for (let hop = 1; ; hop++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const reply = await ask(url, { headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }) } })
    for (const line of reply.cookies) {
      const [pair = ''] = line.split(';')
      const equals = pair.indexOf('=')
      if (equals > 0) cookies.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
    const next = targetOf(reply)
    if (next === null || hop === mostHops) return { reply, away: undefined }
    if (next.origin !== origin) return { reply, away: next }
    url = next.href
  }
}

/** Asks for a document as the official SDKs do: they follow redirects within its origin, and no others. */
export async function askForDocument(
  ask: Ask,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Reply> {
  const { origin } = new URL(url)
  let reply = await ask(url, { headers })
  for (let hop = 1; hop < mostHops; hop++) {
    const next = targetOf(reply)
    if (next?.origin !== origin) break
    reply = await ask(next.href, { headers })
  }
  return reply
}

function targetOf({ status, headers, url }: Reply): URL | null {
  const location = status >= 300 && status < 400 ? headers['location'] : undefined
  return location === undefined ? null : URL.parse(location, url)
}
