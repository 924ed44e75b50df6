import type { Principal } from '../../src/core/principal.ts'
import { ScopeSet } from '../../src/core/scope.ts'

/** A user without groups and roles, but for what is given. */
export function principalOf(changes: Partial<Principal> = {}): Principal {
  return {
    issuer: 'https://gate.example',
    subject: 'ada',
    clientId: 'app',
    kind: 'user',
    scopes: new ScopeSet(['mcp:*']),
    groups: [],
    roles: [],
    audiences: [],
    issuedAt: 0,
    expiresAt: 0,
    tokenId: undefined,
    originIds: undefined,
    grantId: undefined,
    holders: [],
    vouchedUser: undefined,
    actor: undefined,
    keyThumbprint: undefined,
    ...changes,
  }
}
