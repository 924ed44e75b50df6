import type { IncomingMessage } from 'node:http'

const names = new Map<string, string>()
const mostNames = 10_000

/** The user who is asking, from the gateway's identity token. */
export function userOf({ headers: { authorization = '' } }: IncomingMessage): string {
  const known = names.get(authorization)
  if (known !== undefined) return known
  const payload = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString()
  const { sub } = JSON.parse(payload) as { sub: string }
  if (names.size >= mostNames) names.clear()
  names.set(authorization, sub)
  return sub
}

/** The body of a request. */
export async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
