import { metaKeys } from '../../mcp/meta-keys.ts'
import { type Era, newest } from '../../mcp/revisions.ts'
import { asObject, callOf, type Json } from '../conversation/json-rpc.ts'

/** How the gateway names itself when it speaks for itself. */
export interface Implementation {
  readonly name: string
  readonly version: string
}

const questionId = 'portcullis-probe'

/** The message that servers of an era understand, and those of the other era do not. */
export function questionFor(era: Era, self: Implementation): Json {
  return era === 'modern'
    ? callOf('server/discover', { _meta: modernMeta({ clientInfo: self }) }, questionId)
    : initializeCall(self, questionId)
}

/** The `initialize` of a client without capabilities, so that the server never asks it anything. */
export function initializeCall(self: Implementation, id: string | number): Json {
  const params = { protocolVersion: newest.legacy, capabilities: {}, clientInfo: { ...self } }
  return callOf('initialize', params, id)
}

/** The `_meta` of a modern request from a client without capabilities. */
export function modernMeta({ clientInfo }: { readonly clientInfo: unknown }): Json {
  return {
    [metaKeys.protocolVersion]: newest.modern,
    [metaKeys.clientCapabilities]: {},
    ...(clientInfo === undefined ? {} : { [metaKeys.clientInfo]: clientInfo }),
  }
}

/** Whether an answer shows that the server speaks the era that it was asked about. It is untrusted. */
export function confirms(era: Era, answer: Json): boolean {
  const result = asObject(answer['result'])
  if (era === 'legacy') return typeof result?.['protocolVersion'] === 'string'
  const data = asObject(asObject(answer['error'])?.['data'])
  const versions = result?.['supportedVersions'] ?? data?.['supported']
  return Array.isArray(versions) && versions.includes(newest.modern)
}
