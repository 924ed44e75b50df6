import { isJsonObject, type JsonObject } from '../../core/json-object.ts'
import { optionalTexts } from '../client-metadata.ts'

/** Addresses that a document may name for people. Nothing here shows or fetches them. */
const shownAddresses: ReadonlySet<string> = new Set(['client_uri', 'logo_uri', 'tos_uri', 'policy_uri'])

/** The largest document that is read (draft-ietf-oauth-client-id-metadata-document section 6.6). */
export const documentBytes = 5 * 1024

/**
 * A metadata document without the optional members that say nothing, as registrations are cleaned: the library would refuse
 * the whole of it for one. What is no JSON object, or too long, is left for it to refuse. Untrusted.
 */
export async function tidyDocumentResponse(response: Response): Promise<Response> {
  const text = await response.clone().text()
  const document = Buffer.byteLength(text) > documentBytes ? undefined : readObject(text)
  if (document === undefined) return response
  const members = Object.entries(document)
  const kept = members.filter(([member, value]) => saysSomething(member, value))
  if (kept.length === members.length) return response
  const headers = new Headers(response.headers)
  headers.delete('content-length')
  return new Response(JSON.stringify(Object.fromEntries(kept)), { headers })
}

function readObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined // the library says that it is no JSON
  }
}

function saysSomething(member: string, value: unknown): boolean {
  if (value === null || (value === '' && optionalTexts.includes(member))) return false
  if (!shownAddresses.has(member)) return true
  return typeof value === 'string' && URL.parse(value)?.protocol === 'https:'
}
