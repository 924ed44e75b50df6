import { Refusal } from '../core/errors.ts'
import { isJsonObject, type JsonObject } from '../core/json-object.ts'
import { type Message, requestIdOf } from './message.ts'
import { metaKeys } from './meta-keys.ts'
import { assumedRevision, type Era, eraOf, isRevision, type Revision, supportedIn } from './revisions.ts'

/** The era and revision of a message. */
export interface Dialect {
  readonly era: Era
  readonly revision: Revision
}

const { protocolVersion: versionKey, clientCapabilities: capabilitiesKey } = metaKeys

/**
 * Decides the era of a posted message: the body decides, and the `MCP-Protocol-Version` header must agree.
 * `fallback` is the revision of the session, if there is one. Throws `header_mismatch`, `meta_missing` or
 * `version_unsupported`. The message is untrusted (MCP 2026-07-28, versioning).
 */
export function decideDialect(message: Message, header: string | undefined, fallback?: Revision): Dialect {
  const claim = message.kind === 'response' ? undefined : claimOf(message.params)
  if (claim !== undefined) return modernDialect(message, claim, header)
  if (header !== undefined && eraOf(header) === 'modern' && message.kind !== 'response') {
    if (message.kind === 'request') throw refuse('meta_missing', message, `params._meta["${versionKey}"]`)
    return { era: 'modern', revision: supported(header, message, 'modern') }
  }
  const revision = header === undefined ? (fallback ?? assumedRevision) : supported(header, message, 'legacy')
  return { era: eraOf(revision), revision }
}

function modernDialect(message: Message, claim: unknown, header: string | undefined): Dialect {
  if (typeof claim !== 'string')
    throw refuse('meta_missing', message, `params._meta["${versionKey}"] must be a string`)
  const agrees = header === undefined ? message.kind === 'notification' : header === claim
  if (!agrees) throw refuse('header_mismatch', message, 'MCP-Protocol-Version')
  const revision = supported(claim, message, 'modern')
  if (eraOf(revision) !== 'modern') throw unsupported(claim, message, 'modern')
  if (message.kind === 'request' && !isJsonObject(metaOf(message.params)?.[capabilitiesKey])) {
    throw refuse('meta_missing', message, `params._meta["${capabilitiesKey}"]`)
  }
  return { era: 'modern', revision }
}

/** The revision that a legacy `initialize` asks for, if it exists. */
export function requestedRevision(message: Message): Revision | undefined {
  if (message.kind !== 'request' || message.method !== 'initialize') return undefined
  const asked = message.params['protocolVersion']
  return isRevision(asked) ? asked : undefined
}

function metaOf(params: JsonObject): JsonObject | undefined {
  const meta = params['_meta']
  return isJsonObject(meta) ? meta : undefined
}

function claimOf(params: JsonObject): unknown {
  const meta = metaOf(params)
  return meta !== undefined && Object.hasOwn(meta, versionKey) ? meta[versionKey] : undefined
}

function supported(revision: string, message: Message, era: Era): Revision {
  if (isRevision(revision)) return revision
  throw unsupported(revision, message, era)
}

function unsupported(requested: string, message: Message, era: Era): Refusal {
  const data = { supported: supportedIn(era), requested }
  return new Refusal('version_unsupported', { id: requestIdOf(message), data })
}

function refuse(code: 'header_mismatch' | 'meta_missing', message: Message, explain: string): Refusal {
  return new Refusal(code, { id: requestIdOf(message), explain })
}
