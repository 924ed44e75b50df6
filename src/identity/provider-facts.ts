import { domainToASCII } from 'node:url'
import { type Claims, claimOf } from '../core/claims.ts'
import { isPrintable } from '../core/printable.ts'
import type { IdentityFacts } from '../storage/identity-contract.ts'

/**
 * The names of the claims in which a provider says what is needed; a dot leads into an object, as in
 * `realm_access.roles`.
 */
export interface ClaimNames {
  readonly name: readonly string[]
  readonly email: string
  /** Undefined if the presence of an address proves it. */
  readonly emailVerified: string | undefined
  /** A claim whose value is the domain of an organisation, such as `hd` at Google. */
  readonly domain: string | undefined
  readonly tenant: string | undefined
  readonly groups: readonly string[]
  readonly roles: readonly string[]
}

/** Of groups and of roles, as tokens contain them: a token with both has to fit into a header. */
const mostBytes = 5000

/** Something that a provider says cannot be used; the message is for the operator. */
export class FactsUnusable extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'FactsUnusable'
  }
}

/** Reads what a provider says of a user. The format of the claims is untrusted. Throws FactsUnusable. */
export function readFacts(claims: Claims, names: ClaimNames, subject: string): IdentityFacts {
  const text = (name: string | undefined): string | undefined => textOf(claims, name)
  return {
    displayName: (names.name.map(text).find((value) => value !== undefined) ?? subject).slice(0, 200),
    email: text(names.email),
    domain:
      names.domain === undefined ? domainOf(provenEmail(claims, names)) : writeDomain(text(names.domain)),
    tenant: text(names.tenant),
    groups: list(claims, names.groups, 'groups'),
    roles: list(claims, names.roles, 'roles'),
  }
}

/**
 * The address of a user if the provider has proven that it is theirs. The format of the claims is untrusted.
 */
export function provenEmail(claims: Claims, names: ClaimNames): string | undefined {
  const isProven = names.emailVerified === undefined || claimOf(claims, names.emailVerified) === true
  return isProven ? textOf(claims, names.email) : undefined
}

function textOf(claims: Claims, name: string | undefined): string | undefined {
  const value = name === undefined ? undefined : claimOf(claims, name)
  return typeof value === 'string' && value !== '' && isPrintable(value) ? value : undefined
}

/**
 * Whether a claim is only given by reference (OpenID Connect Core 1.0 section 5.6.2), which differs from
 * leaving it out.
 */
function isElsewhere(claims: Claims, name: string): boolean {
  const { _claim_names: references, hasgroups } = claims
  // Entra writes this into a token that must stay short.
  if (name === 'groups' && hasgroups !== undefined && hasgroups !== false) return true
  const [outermost = ''] = name.split('.')
  return (
    typeof references === 'object' &&
    references !== null &&
    [name, outermost].some((one) => Object.hasOwn(references, one))
  )
}

function domainOf(email: string | undefined): string | undefined {
  return email?.includes('@') === true ? writeDomain(email.slice(email.lastIndexOf('@') + 1)) : undefined
}

const international = /^(?=.*\P{ASCII})[\p{L}\p{M}\p{N}.-]+$/u

/**
 * A domain as rules name it: in lower case, and an international one in its ASCII form (RFC 5890 section
 * 2.3.2.1).
 */
function writeDomain(domain: string | undefined): string | undefined {
  if (domain === undefined || !international.test(domain)) return domain?.toLowerCase()
  return domainToASCII(domain) || domain.toLowerCase()
}

/** The values of these claims: texts, in lists or alone. */
function list(claims: Claims, names: readonly string[], what: string): readonly string[] {
  if (names.some((name) => isElsewhere(claims, name))) {
    throw new FactsUnusable(
      `the provider leaves ${what} out and says where to ask for them, as Entra does for users in many groups: have it send only those that matter here, at Entra "Groups assigned to the application"`,
    )
  }
  const values = names.flatMap((name) => [claimOf(claims, name) ?? []].flat())
  const texts = [
    ...new Set(values.filter((value) => typeof value === 'string' && isPrintable(value))),
  ] as string[]
  if (Buffer.byteLength(JSON.stringify(texts)) > mostBytes) {
    throw new FactsUnusable(
      `the provider names ${texts.length} ${what} that take more than ${mostBytes} bytes together: have it send only those that matter here`,
    )
  }
  return texts
}
