import type { Installation } from './installation.ts'

/** A tenant that was removed from the configuration. */
interface Departing {
  readonly name: string
  readonly installation: Pick<Installation, 'finish'>
  readonly close: () => Promise<void>
}

/** Tenants that were removed from the configuration, until nothing of them is running any more. */
export interface Departures {
  /** Lets one finish that gets no new requests. */
  add(tenant: Departing): void
  /** Resolves when no tenant of this name is still finishing. */
  over(name: string): Promise<void>
  /** Ends all of them now. */
  close(): Promise<void>
}

/** Starts with none. `onFault` is called if one could not be closed. */
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
