import type { EntityJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Principal } from '../../core/principal.ts'
import type { RoleMembers } from '../policy-contract.ts'
import type { Mentions } from './mentions.ts'

/** A caller, as far as policies look at one. */
export interface Caller {
  readonly entity: EntityJson
  /** The same for all callers between whom no policy can tell a difference. */
  readonly key: string
}

const attributes = {
  subject: (caller) => caller.subject,
  issuer: (caller) => caller.issuer,
  client: (caller) => caller.clientId,
  actor: (caller) => caller.actor,
} as const satisfies Readonly<Record<string, (caller: Principal) => string | undefined>>

/** Who has which role, by the name of the role. */
export type Roles = Readonly<Record<string, RoleMembers>>

/**
 * Reads callers for policies that mention certain things. Groups and roles that no policy names are left out, and so
 * is who the caller is if all policies speak of groups and roles: most callers are then alike.
 */
export function callerReader(
  { entities, callerAttributes, caller: isUsed }: Mentions,
  given: Roles,
): (principal: Principal) => Caller {
  const named = (type: string): ReadonlySet<string> =>
    new Set(entities.filter((entity) => entity.type === type).map(({ id }) => id))
  const groups = named('Group')
  const roles = [...named('Role')]
  const hasName = isUsed || named('User').size > 0 || named('Client').size > 0
  const known = new WeakMap<Principal, Caller>()
  const hasRole = (principal: Principal, role: string): boolean =>
    principal.roles.includes(role) ||
    isMember(principal, Object.hasOwn(given, role) ? given[role] : undefined)

  const read = (principal: Principal): Caller => {
    const type = principal.kind === 'user' ? 'User' : 'Client'
    const uid = { type, id: hasName ? nameOf(principal) : '' }
    const parents = [
      ...principal.groups.filter((id) => groups.has(id)).map((id) => ({ type: 'Group', id })),
      ...roles.filter((id) => hasRole(principal, id)).map((id) => ({ type: 'Role', id })),
    ]
    const attrs: Record<string, string> = {}
    for (const [name, valueOf] of Object.entries(attributes)) {
      const value = isUsed || callerAttributes.has(name) ? valueOf(principal) : undefined
      if (value !== undefined) attrs[name] = value
    }
    return { entity: { uid, attrs, parents }, key: JSON.stringify([uid, attrs, parents]) }
  }
  return (principal) => {
    let caller = known.get(principal)
    if (caller === undefined) {
      caller = read(principal)
      known.set(principal, caller)
    }
    return caller
  }
}

/** Some issuers write as `sub` of a client something else than its id (RFC 9068 section 2.2). */
function nameOf({ kind, subject, clientId }: Principal): string {
  return kind === 'user' ? subject : clientId
}

function isMember(principal: Principal, members: RoleMembers | undefined): boolean {
  if (members === undefined) return false
  const { kind, groups } = principal
  const named = kind === 'user' ? members.users : members.clients
  return named.includes(nameOf(principal)) || members.groups.some((group) => groups.includes(group))
}
