import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Site } from '../core/site.ts'
import { checkDeclaredLength, readBody } from '../http/body.ts'
import { corsHeaders, preflightHeaders } from '../http/cors.ts'
import { mediaTypeOf } from '../http/media-type.ts'
import type { Endpoint } from './endpoints.ts'
import { errors } from './library/library.ts'
import type { Note } from './notes.ts'
import { allowedScopesField } from './registration/client-fields.ts'
import { mayBeRegistered } from './registration/client-id.ts'
import { decodableHeader } from './requests/basic-credentials.ts'
import { nameClientInForm, normaliseForm, normaliseRegistration, replaceBody } from './requests/bodies.ts'
import { completeForm } from './requests/complete-request.ts'
import { refuseTooLong } from './requests/request-limits.ts'
import type { AuthorizationServerSettings } from './settings.ts'

const formType = 'application/x-www-form-urlencoded'
const mediaTypes = { form: formType, authorization: formType, json: 'application/json' } as const
const maxBodyBytes = 56 * 1024
/**
 * The limit for what anyone can cause to be stored: registrations, and requests as long as fits into a URL.
 */
const maxStoredBytes = 16 * 1024

/**
 * Makes a request look as if it had come to the public URL, from which the library builds the URLs that it
 * writes: host and scheme from the headers, the base path from where Express keeps it. Nothing that a client
 * says about them matters.
 */
export function speakAsSite({ url, basePath }: Site): (req: IncomingMessage) => void {
  const { host, protocol } = new URL(url)
  const scheme = protocol.slice(0, -1)
  return (req) => {
    const { headers } = req
    headers.host = host
    headers['x-forwarded-proto'] = scheme
    delete headers['x-forwarded-host']
    Object.assign(req, { baseUrl: basePath })
  }
}

/** Lets the page of a checked origin read the answer. */
export function allowCors(req: IncomingMessage, res: ServerResponse): void {
  const { origin } = req.headers
  if (origin !== undefined) setHeaders(res, corsHeaders(origin))
}

/**
 * Makes programs get JSON (RFC 6749 section 5.2), whatever they accept: many libraries send `text/html` in
 * every request, and the code that changes answers here cannot read pages.
 */
export function expectJson({ headers }: IncomingMessage): void {
  headers.accept = 'application/json'
}

/** Answers a preflight. */
export function answerPreflight(req: IncomingMessage, res: ServerResponse, { methods }: Endpoint): void {
  const asked = req.headers['access-control-request-headers']
  setHeaders(res, preflightHeaders(methods.join(', '), asked))
  res.writeHead(204).end()
}

/**
 * Compares the media type as the library does (RFC 9110 section 8.3.1): what only the library recognized would
 * bypass everything that is done to bodies here. A POST without one is refused, too, since the library would
 * ignore its body, and say that what is in it is missing. Throws InvalidRequest.
 */
function takeMediaType({ method, headers }: IncomingMessage, type: string): void {
  if (method !== 'POST') return
  if (mediaTypeOf(headers['content-type']) !== type)
    throw new errors.InvalidRequest(`the body must be ${type}`, 415)
  headers['content-type'] = type
}

/**
 * Reads and normalizes the body if the endpoint has one. Throws `body_too_large`, or an error of the library
 * if the body is not what the endpoint accepts.
 */
export async function normaliseRequest(
  settings: AuthorizationServerSettings,
  { body: kind }: Endpoint,
  req: IncomingMessage,
  note: Note,
): Promise<void> {
  if (kind === undefined) return
  takeMediaType(req, mediaTypes[kind])
  const { authorization } = req.headers
  if (authorization !== undefined) req.headers.authorization = decodableHeader(authorization)
  const most = kind === 'form' ? maxBodyBytes : maxStoredBytes
  checkDeclaredLength(req.headers['content-length'], most)
  const text = (await readBody(req, most)).toString()
  if (kind === 'json') return replaceBody(req, normaliseRegistration(text))
  if (kind === 'authorization') refuseTooLong(text)
  const scopesOf = (clientId: string) => operatorScopes(settings, clientId)
  const ports = { resources: settings.resources, note, scopesOf }
  const form = await normaliseForm(nameClientInForm(text, req), req.headers.authorization, ports)
  return replaceBody(req, kind === 'form' ? form : completeForm(settings.resources, form, note))
}

/** The scopes of a client that is configured, or that an operator registered. */
async function operatorScopes(
  { clients, registered }: AuthorizationServerSettings,
  clientId: string,
): Promise<readonly string[] | undefined> {
  const configured = clients.find(({ id }) => id === clientId)
  if (configured !== undefined) return configured.scopes
  if (!mayBeRegistered(clientId)) return undefined
  return (await registered.find(clientId))?.metadata[allowedScopesField] as readonly string[] | undefined
}

function setHeaders(res: ServerResponse, headers: readonly string[]): void {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    res.setHeader(headers[index] as string, headers[index + 1] as string)
  }
}
