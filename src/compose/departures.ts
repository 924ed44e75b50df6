import type { Installation } from './installation.ts'

/** A tenant that the configuration no longer has. */
interface Departing {
  readonly name: string
  readonly installation: Pick<Installation, 'finish'>
  readonly close: () => Promise<void>
}

/** Tenants that the configuration no longer has, until nothing of them runs any more. */
export interface Departures {
  /** Lets one end, to which nobody comes any more. */
  add(tenant: Departing): void
  /** Resolves when no tenant of this name is ending. */
  over(name: string): Promise<void>
  /** Ends all of them now. */
  close(): Promise<void>
}

/** Begins with none. `onFault` hears of one that could not be closed. */
export function openDepartures(onFault: (error: unknown) => void): Departures {
  const ending = new Map<string, Promise<void>>()
  const { promise: closing, resolve: hurry } = Promise.withResolvers<void>()
  return {
    add({ name, installation, close }) {
      const end = async (): Promise<void> => {
        await Promise.race([installation.finish(), closing])
        await close()
        ending.delete(name)
      }
      ending.set(name, end().catch(onFault))
    },
    over: async (name) => ending.get(name),
    async close() {
      hurry()
      await Promise.all(ending.values())
    },
  }
}
