import type { Principal } from '../../core/principal.ts'

/** Identifies a principal: the same string for the same issuer, subject and client, and for no other. */
export function principalName(principal: Principal): string {
  const known = names.get(principal)
  if (known !== undefined) return known
  const { issuer, subject, clientId } = principal
  const name = JSON.stringify([issuer, subject, clientId])
  names.set(principal, name)
  return name
}

/** The person or machine in the name of a principal, the same for each client that they use. */
export function personIn(name: string): string {
  const [issuer, subject] = JSON.parse(name) as readonly string[]
  return JSON.stringify([issuer, subject])
}

/** A principal lives as long as its token is cached. */
const names = new WeakMap<Principal, string>()

/** What sealed values are bound to: issuer, subject, client and server. */
export function ownerContext(principal: Principal, upstream: string): string {
  return `${principalName(principal)}\n${upstream}`
}
