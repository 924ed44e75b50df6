import { isUserId } from '../core/user-id.ts'
import type { Identity } from './contract.ts'
import { nameRule } from './names.ts'

const namePattern = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u

/**
 * The login of development mode: users are whoever they say they are, except for users in the store, whom a
 * provider vouches for. `isTaken` tells which names belong to clients, since a user must not impersonate one
 * (RFC 9700 section 4.15).
 */
export function developmentIdentity(isTaken: (name: string) => Promise<boolean>): Identity {
  return {
    find: async (id) => (namePattern.test(id) && !isUserId(id) ? { id, displayName: id } : undefined),
    async login({ name }) {
      const id = name.trim()
      if (!namePattern.test(id)) return { refused: nameRule }
      if (isUserId(id)) return { refused: 'This is the id of another user. Please choose another one.' }
      if (await isTaken(id)) return { refused: 'This name belongs to a client. Please choose another one.' }
      return { id, displayName: id }
    },
    confirm: async () => 'current',
  }
}

/** Nobody can log in: for installations that serve machines, or whose tokens come from elsewhere. */
export const closedIdentity: Identity = {
  find: async () => undefined,
  login: async () => ({ refused: 'Nobody can sign in here.' }),
  confirm: async () => 'current',
}
