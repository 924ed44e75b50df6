import { closest } from '../../config/closest.ts'
import { type Claims, claimOf } from '../../core/claims.ts'
import { isJsonObject } from '../../core/json-object.ts'
import { readScopes, readText, readTexts, standardReading } from '../../gateway/token/read-claims.ts'
import { requiredClaims } from '../../gateway/token/verify-jwt.ts'
import type { ClaimUse } from './contract.ts'
import type { KnownIssuer } from './known-issuers.ts'

type Attribute = Exclude<ClaimUse['attribute'], 'token'>

const attributes: readonly Attribute[] = ['scopes', 'clientId', 'groups', 'roles']

/** Each claim that is read from an issuer's tokens, what for, and what a token has there. */
export function findClaims(claims: Claims, issuer: KnownIssuer): ClaimUse[] {
  const read = new Set([...requiredClaims, ...attributes.flatMap((attribute) => issuer.claims[attribute])])
  const others = namesIn(claims).filter((name) => !read.has(name))
  const missing = issuer.introspection === undefined ? requiredClaims : ['sub', 'aud']
  return [
    ...missing
      .filter((claim) => claims[claim] === undefined)
      .map((claim) => ({ claim, attribute: 'token', readBy: 'RFC 9068', state: 'absent' }) as const),
    ...attributes.flatMap((attribute) => usesOf(attribute, claims, issuer)),
  ].map((use) => (use.state === 'absent' ? { ...use, similar: similarTo(use.claim, others) } : use))
}

/** The uses of claims that no other claim makes up for. */
export function unanswered(uses: readonly ClaimUse[]): ClaimUse[] {
  const answered = new Set(uses.filter(({ state }) => state === 'read').map(({ attribute }) => attribute))
  return uses.filter(({ attribute }) => !answered.has(attribute))
}

function usesOf(attribute: Attribute, claims: Claims, issuer: KnownIssuer): ClaimUse[] {
  const readBy = readerOf(attribute, issuer)
  const uses = issuer.claims[attribute].map((claim): ClaimUse => {
    return { claim, attribute, readBy, state: stateOf(attribute, claims, claim) }
  })
  // For the client, the first claim present is used.
  const first = attribute === 'clientId' ? uses.findIndex(({ state }) => state === 'read') : -1
  return first === -1 ? uses : uses.slice(0, first + 1)
}

function readerOf(attribute: Attribute, { path, description }: KnownIssuer): string {
  if (description === undefined) return path
  if (description.namedClaims.includes(attribute)) return `${path}.claims.${attribute}`
  return description.preset === undefined ? `${path}, by RFC 9068` : `${path}.preset: ${description.preset}`
}

/** Uses the gateway's own readers, for this one claim. */
function stateOf(attribute: Attribute, claims: Claims, claim: string): ClaimUse['state'] {
  const value = claimOf(claims, claim)
  if (value === undefined || value === null) return 'absent'
  const found =
    attribute === 'scopes'
      ? readScopes(claims, { ...standardReading, scopes: [claim] })
      : attribute === 'clientId'
        ? [readText(claims, [claim]) ?? []].flat()
        : readTexts(claims, [claim]).filter((text) => text !== '')
  if (found.length > 0) return 'read'
  const isEmpty = typeof value === 'string' || (Array.isArray(value) && value.length === 0)
  return isEmpty ? 'empty' : 'unusable'
}

const deepest = 3

/** The names of claims, including nested ones, as a setting would write them. */
function namesIn(claims: Claims, prefix = '', depth = 1): string[] {
  return Object.entries(claims).flatMap(([key, value]) => {
    if (!isJsonObject(value)) return [prefix + key]
    return depth < deepest ? namesIn(value, `${prefix}${key}.`, depth + 1) : []
  })
}

/** `cognito:groups` and `https://example.com/groups` for `groups`; or a similar word. */
function similarTo(claim: string, names: readonly string[]): string | undefined {
  const last = (name: string): string | undefined => name.toLowerCase().split(/[.:/]/).at(-1)
  const word = last(claim)
  // Nearly any two words of three letters differ in only two letters.
  return names.find((name) => last(name) === word) ?? (claim.length > 4 ? closest(claim, names) : undefined)
}
