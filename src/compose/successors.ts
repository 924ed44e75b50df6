import type { ArtifactStore } from '../storage/artifact-contract.ts'
import type { HeldSession, Successor, Successors } from '../upstream/renewal/successors.ts'

const model = 'SessionSuccessor'

/**
 * Keeps in the store which sessions of an MCP server replaced which others: ids hashed, successors sealed.
 */
export function storedSuccessors(artifacts: ArtifactStore, upstream: string): Successors {
  const idOf = ({ principal, session }: HeldSession): string => JSON.stringify([upstream, principal, session])
  return {
    async find(held) {
      const found = await artifacts.find(model, idOf(held))
      return found?.payload['successor'] as Successor | undefined
    },
    settle: (held, successor, until) =>
      artifacts.insertOnce({ model, id: idOf(held), payload: { successor }, expiresAt: until }),
  }
}
