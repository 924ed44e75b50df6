import type { Gateway } from '../gateway/server.ts'
import type { BuiltGateway } from './gateway.ts'

/** Gateways that have been replaced, until nothing of them is running any more. */
export interface Retirement {
  /**
   * Lets one finish: what is missing or different in the `next` one ends in order, and everything else goes
   * on.
   */
  retire(old: BuiltGateway, next: BuiltGateway): void
  endStreams(): void
  /** Ends the streams of all of them. Resolves when nothing of them is running any more. */
  finish(): Promise<void>
  close(): Promise<void>
}

interface RetirementOptions {
  /** How long requests for a removed server may take to finish. */
  readonly milliseconds: number
  /** Whether other processes, which are not counted here, have requests running at this process's servers. */
  readonly isShared: boolean
  readonly onFault: (error: unknown) => void
}

/** Starts with none. */
export function openRetirement({ milliseconds, isShared, onFault }: RetirementOptions): Retirement {
  const gateways = new Set<Gateway>()
  const closing = new Map<() => Promise<void>, NodeJS.Timeout>()

  const close = async (end: () => Promise<void>): Promise<void> => {
    clearTimeout(closing.get(end))
    if (closing.delete(end)) await end()
  }

  return {
    retire(old, next) {
      const { gateway } = old
      gateways.add(gateway)
      void gateway.idle().then(() => {
        gateway.stop()
        gateways.delete(gateway)
      })
      const gone = old.upstreams.filter((built) => !next.upstreams.includes(built))
      const names = new Set(gone.map(({ setting }) => setting.name))
      const changed = old.issuers.filter((opened) => !next.issuers.includes(opened))
      const issuers = new Set(changed.map(({ trusted }) => trusted.issuer))
      const left = [...gateways].map((one) =>
        one.leave(
          ({ upstream, principal }) => names.has(upstream ?? '') || issuers.has(principal?.issuer ?? ''),
        ),
      )
      const kept = new Set(next.upstreams.map(({ upstream }) => upstream.connector))
      const end = async (): Promise<void> => {
        for (const { upstream } of gone) {
          upstream.credential.close?.()
          if (!kept.has(upstream.connector)) await upstream.connector.close()
        }
      }
      closing.set(end, setTimeout(() => void close(end).catch(onFault), milliseconds).unref())
      if (!isShared) void Promise.all(left).then(() => close(end).catch(onFault))
    },
    endStreams() {
      for (const gateway of gateways) gateway.endStreams()
    },
    async finish() {
      await Promise.all([...gateways].map((gateway) => gateway.leave(() => true)))
    },
    async close() {
      for (const gateway of gateways) gateway.stop()
      for (const end of closing.keys()) await close(end)
    },
  }
}
