import { parseJsonObject } from '../../core/json-object.ts'
import { withoutNames } from '../../core/public-keys.ts'
import { FetchRefused } from '../../http/safe-fetch.ts'
import { optionalTexts, shownAddresses } from './client-metadata.ts'

/** The largest document that is read (draft-ietf-oauth-client-id-metadata-document section 6.6). */
export const documentBytes = 5 * 1024

/**
 * A metadata document without empty optional members, cleaned like registrations: the library would refuse
 * the whole document because of one. If it is not a JSON object, it is left for the library to refuse. Throws
 * FetchRefused if it is too long, for which the library has no reason to give. Untrusted.
 */
export async function tidyDocument(response: Response): Promise<Response> {
  const text = await response.clone().text()
  if (Buffer.byteLength(text) > documentBytes)
    throw new FetchRefused(`the answer is larger than ${documentBytes} bytes`, { reached: true })
  const document = parseJsonObject(text)
  if (document === undefined) return response
  const members = Object.entries(document)
  const kept = members.filter(([member, value]) => saysSomething(member, value))
  if (kept.length === members.length) return response
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  return new Response(JSON.stringify(Object.fromEntries(kept)), { headers })
}

/**
 * The key set of a client, in which an Ed25519 key verifies under both names of its algorithm. If it is not a
 * JSON object, it is left for the library to refuse. Untrusted.
 */
export async function tidyKeySet(response: Response): Promise<Response> {
  const set = parseJsonObject(await response.clone().text())
  if (set === undefined) return response
  const { status } = response
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  return new Response(JSON.stringify(withoutNames(set)), { status, headers })
}

function saysSomething(member: string, value: unknown): boolean {
  if (value === null || (value === '' && optionalTexts.includes(member))) return false
  if (!shownAddresses.has(member)) return true
  return typeof value === 'string' && URL.parse(value)?.protocol === 'https:'
}
