import type { OAuthClient, Visit } from './contract.ts'
import { jsonOf, type Reply } from './reply.ts'

/** Posts to a token endpoint as this client: with HTTP Basic if it has a secret (RFC 6749 section 2.3.1). */
export async function tokenRequest(
  { ask, report }: Visit,
  endpoint: string,
  { client, form }: { client: Pick<OAuthClient, 'id' | 'secret'>; form: Readonly<Record<string, string>> },
): Promise<Reply> {
  const { id, secret } = client
  const pair = [id, secret ?? ''].map((part) => encodeURIComponent(part)).join(':')
  const basic = Buffer.from(pair).toString('base64')
  if (secret !== undefined) {
    report.hide(secret)
    report.hide(basic)
  }
  const reply = await ask(endpoint, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      ...(secret === undefined ? {} : { authorization: `Basic ${basic}` }),
    },
    form: secret === undefined ? { ...form, client_id: id } : form,
  })
  const body = jsonOf(reply)
  for (const member of ['access_token', 'refresh_token', 'id_token']) {
    const token = body?.[member]
    if (typeof token === 'string') report.hide(token)
  }
  return reply
}

/** A text member of an answer. */
export function textOf(reply: Reply, member: string): string | undefined {
  const value = jsonOf(reply)?.[member]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The `aud` of a token that is a JWT; undefined for an opaque one. Nothing is verified. */
export function audienceOf(token: string): readonly string[] | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const claims = JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString()) as { aud?: unknown }
    return [claims.aud ?? []].flat().map(String)
  } catch {
    return undefined // not a JWT after all
  }
}
