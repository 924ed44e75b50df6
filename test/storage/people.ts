import type { IdentityFacts, IdentityStore } from '../../src/storage/identity-contract.ts'
import type { Passkey } from '../../src/storage/passkey-contract.ts'
import type { User } from '../../src/storage/user-contract.ts'

/** A user with a password. */
export const person = (id: string): User => ({
  id,
  name: id,
  displayName: id.toUpperCase(),
  passwordHash: 'a hash',
  createdAt: 1,
  disabledAt: undefined,
  loginsSince: 0,
  provider: undefined,
})

/** A passkey that has not been used. */
export const passkey = (id: string, userId: string): Passkey => ({
  id,
  userId,
  name: 'a key',
  publicKey: 'cose',
  counter: 0,
  createdAt: 1,
  usedAt: undefined,
})

const facts: IdentityFacts = {
  displayName: 'Eve',
  email: 'eve@example.com',
  domain: 'example.com',
  tenant: 'directory',
  groups: ['staff'],
  roles: [],
}

/** A login at a provider, of somebody whose user would have this id. */
export const login = (id: string): Omit<Parameters<IdentityStore['enter']>[0], 'credential' | 'now'> => ({
  user: { ...person(id), displayName: facts.displayName, passwordHash: undefined, provider: 'company' },
  nameKey: `${id} of the company`,
  issuer: 'https://idp.example',
  subject: 'subject-1',
  facts,
})
