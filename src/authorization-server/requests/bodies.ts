import type { IncomingMessage } from 'node:http'
import { type ParsedUrlQueryInput, parse, stringify } from 'node:querystring'
import { isDeepStrictEqual } from 'node:util'
import { decodeJwt } from 'jose'
import { type JsonObject, parseJsonObject } from '../../core/json-object.ts'
import type { ResourceDirectory } from '../../core/protected-resource.ts'
import { publicKeysProblem } from '../../core/public-keys.ts'
import { errors } from '../library/library.ts'
import type { Note } from '../notes.ts'
import { cleanRegistration } from '../registration/client-metadata.ts'
import { omittedRedirectUri } from '../tokens/redemption.ts'
import { basicCredentials } from './basic-credentials.ts'
import { canonicalResources } from './canonical-resources.ts'
import { dropOfflineAccess } from './offline-access.ts'

/**
 * Makes an unusual but understandable form acceptable: every spelling of a resource becomes the canonical
 * one, client_credentials without a scope asks for the client's own scopes, a refresh and a machine may name
 * `offline_access` as an authorization request may, and a code may come without its redirect URI. A form that
 * needs none of this stays as it is, read in the same way as the library reads it. The form is untrusted.
 */
export async function normaliseForm(
  text: string,
  authorization: string | undefined,
  ports: {
    readonly resources: ResourceDirectory
    readonly note: Note
    /** The scopes that an operator gave a client. */
    readonly scopesOf: (clientId: string) => Promise<readonly string[] | undefined>
  },
): Promise<string> {
  const form = parse(text)
  const changes: ParsedUrlQueryInput = {}
  const asked = all(form['resource'])
  const resources = canonicalResources(ports.resources, asked, ports.note)
  if (!isDeepStrictEqual(resources, asked)) changes['resource'] = resources
  const grantType = first(form['grant_type'])
  const isMachine = grantType === 'client_credentials'
  // A duplicate is left for the library to refuse.
  const sent = form['scope']
  const isRead = typeof sent === 'string' && (isMachine || grantType === 'refresh_token')
  const scope = isRead ? dropOfflineAccess(sent) : sent
  if (scope !== sent) changes['scope'] = scope
  if (grantType === 'authorization_code' && isOmitted(form['redirect_uri']))
    changes['redirect_uri'] = omittedRedirectUri
  if (isMachine && isOmitted(scope)) {
    const clientId =
      // An empty value counts as none.
      (first(form['client_id']) || undefined) ??
      basicClientId(authorization) ??
      assertedClientId(first(form['client_assertion']))
    const scopes = clientId === undefined ? undefined : await ports.scopesOf(clientId)
    if (scopes !== undefined) changes['scope'] = scopes.join(' ')
  }
  return Object.keys(changes).length === 0 ? text : stringify({ ...form, ...changes })
}

/**
 * Moves the id of a client from a Basic header without a secret into the form: an empty secret may be left
 * out (RFC 6749 section 2.3.1), and many libraries identify a client without one in that way. Next to
 * anything else that says who the client is, the header stays, for the library to refuse. All input is
 * untrusted.
 */
export function nameClientInForm(text: string, { headers }: IncomingMessage): string {
  const id = basicClientId(headers.authorization)
  if (id === undefined || basicCredentials(headers.authorization)?.secret !== '') return text
  const form = parse(text)
  const isNamed = isOmitted(form['client_id']) || form['client_id'] === id
  if (!isNamed || !isOmitted(form['client_secret']) || !isOmitted(form['client_assertion'])) return text
  delete headers.authorization
  return stringify({ ...form, client_id: id })
}

/** A parameter without a value counts as not sent (RFC 6749 section 3.2). */
function isOmitted(value: string | string[] | undefined): boolean {
  return value === undefined || value === ''
}

function all(value: string | string[] | undefined): string[] {
  return [value ?? []].flat()
}

function first(value: string | string[] | undefined): string | undefined {
  return all(value)[0]
}

/**
 * Cleans a registration request. If it is not a JSON object, it is left for the library to refuse. Also
 * throws InvalidClientMetadata if the keys of a client would have to be fetched, which is done only for
 * metadata documents, or if it could never authenticate with them.
 */
export function normaliseRegistration(text: string): string {
  const body = parseJsonObject(text)
  if (body === undefined) return text // the library answers 400 and says why
  const metadata = cleanRegistration(body)
  if (metadata['token_endpoint_auth_method'] === 'private_key_jwt') checkKeys(metadata['jwks'], body)
  return JSON.stringify(metadata)
}

function checkKeys(jwks: unknown, { jwks_uri: elsewhere }: JsonObject): void {
  if (jwks === undefined && elsewhere !== undefined)
    throw new errors.InvalidClientMetadata('jwks_uri is not taken here: send the keys themselves, as jwks')
  // If they are missing, the library says so.
  const problem = jwks === undefined ? undefined : publicKeysProblem(jwks)
  if (problem !== undefined) throw new errors.InvalidClientMetadata(`jwks ${problem}`)
}

/**
 * Replaces the body of a request that has already been read, for a library that reads bodies from the stream.
 */
export function replaceBody(req: IncomingMessage, text: string): void {
  const body = Buffer.from(text)
  req.headers['content-length'] = String(body.length)
  delete req.headers['transfer-encoding']
  Object.defineProperty(req, 'readable', { value: true })
  Object.defineProperty(req, 'iterator', { value: () => [body] })
}

/** The client that an assertion claims to be from (RFC 7523 section 3); the library verifies it. */
function assertedClientId(assertion: string | undefined): string | undefined {
  try {
    const subject: unknown = assertion === undefined ? undefined : decodeJwt(assertion).sub
    return typeof subject === 'string' ? subject : undefined
  } catch {
    return undefined // the library refuses the assertion
  }
}

function basicClientId(authorization: string | undefined): string | undefined {
  const id = basicCredentials(authorization)?.id
  try {
    return id === undefined ? undefined : decodeURIComponent(id)
  } catch {
    return undefined // the library refuses the header
  }
}
