import { type Clock, isRecent } from '../../core/clock.ts'
import { Refusal } from '../../core/errors.ts'
import type { Era } from '../../mcp/revisions.ts'

/** Whether a server speaks an era: over the era's main transport, over HTTP+SSE, or not at all. */
export type Speaks = 'native' | 'sse' | 'no'

/**
 * Asks a server whether it speaks an era. Rejects with a Refusal if that cannot be told, for example while
 * the server is down. `before` is the previous answer.
 */
export type AskServer = (era: Era, headers: readonly string[], before?: Speaks) => Promise<Speaks>

/** What is known about a server. */
export interface Verdicts {
  /** What is already known, without waiting. Old knowledge is refreshed in the background. */
  known(era: Era, headers: readonly string[]): Speaks | undefined
  /**
   * What is known, or what the server says. Everyone who wants to know at the same time shares one question,
   * unless the server refuses the one with whose credential it was asked.
   */
  find(era: Era, headers: readonly string[]): Promise<Speaks>
  /** Remembers what the server has shown without being asked. */
  learn(era: Era, speaks: Speaks): void
  /** Forgets what turned out to be useless. */
  forget(): void
}

interface VerdictsOptions {
  readonly ask: AskServer
  /** What need not be asked. */
  readonly pinned: Readonly<Partial<Record<Era, Speaks>>>
  readonly seconds: number
  /** Called with each answer that is news. */
  readonly onVerdict: (era: Era, speaks: Speaks) => void
  readonly clock: Clock
}

/** What an operator says about a server need not be asked. */
export function pinnedBy(era: Era | 'both' | 'auto'): Partial<Record<Era, Speaks>> {
  if (era === 'auto') return {}
  return { modern: era === 'legacy' ? 'no' : 'native', legacy: era === 'modern' ? 'no' : 'native' }
}

interface Verdict {
  readonly speaks: Speaks
  readonly askedAt: number
}

/**
 * Remembers for a time what a server speaks: a server that has learnt the new era would never say so by
 * itself.
 */
export function rememberVerdicts({ ask, pinned, seconds, onVerdict, clock }: VerdictsOptions): Verdicts {
  const verdicts = new Map<Era, Verdict>()
  const asking = new Map<Era, Promise<Speaks>>()

  const learn = (era: Era, speaks: Speaks): void => {
    if (verdicts.get(era)?.speaks !== speaks) onVerdict(era, speaks)
    verdicts.set(era, { speaks, askedAt: clock.now() })
  }

  const askAlone = async (era: Era, headers: readonly string[]): Promise<Speaks> => {
    const speaks = await ask(era, headers, verdicts.get(era)?.speaks)
    learn(era, speaks)
    return speaks
  }

  const question = (era: Era, headers: readonly string[]): Promise<Speaks> => {
    const running = asking.get(era)
    if (running !== undefined)
      return running.catch((error: unknown) => {
        // That somebody else may not come in says nothing about this one.
        if (error instanceof Refusal && error.code === 'upstream_refused') return askAlone(era, headers)
        throw error
      })
    const asked = askAlone(era, headers).finally(() => asking.delete(era))
    asking.set(era, asked)
    return asked
  }

  const known = (era: Era, headers: readonly string[]): Speaks | undefined => {
    if (pinned[era] !== undefined) return pinned[era]
    const verdict = verdicts.get(era)
    if (verdict === undefined) return undefined
    if (!isRecent(clock, verdict.askedAt, seconds * 1000)) {
      // The server may be down just now; then the old answer is still the best one.
      question(era, headers).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error
      })
    }
    return verdict.speaks
  }

  return {
    known,
    find: async (era, headers) => known(era, headers) ?? question(era, headers),
    learn,
    forget: () => verdicts.clear(),
  }
}
