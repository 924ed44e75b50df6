import { Refusal } from '../core/errors.ts'
import type { Era } from '../mcp/revisions.ts'
import { legacyFace } from './bridge/legacy-face.ts'
import { modernFace } from './bridge/modern-face.ts'
import type { Connector } from './contract.ts'
import type { OpenChannel } from './conversation/channel.ts'
import { type Start, sessionConnector, sharingConnector } from './conversation/connector.ts'
import type { Caller, Conversation } from './conversation/contract.ts'
import { startConversation } from './conversation/conversation.ts'
import type { Json } from './conversation/json-rpc.ts'
import { createRegistry } from './conversation/registry.ts'
import type { EraSettings } from './era-settings.ts'
import { stdioProbe } from './probe/ask-stdio.ts'
import { holdLines } from './probe/hold-lines.ts'
import { pinnedBy, rememberVerdicts, type Speaks, type Verdicts } from './probe/verdicts.ts'
import { replayedSessions, revivedSessions } from './renewal/lost-sessions.ts'
import { eraRouter } from './route-eras.ts'
import { createBackOff } from './stdio/back-off.ts'
import { type StdioCommand, stdioChannel } from './stdio/channel.ts'

/** A server that speaks over its standard input and output. */
export interface StdioSettings extends EraSettings, StdioCommand {
  /** Whether a process serves one principal or all of them. */
  readonly principals: 'isolated' | 'shared'
}

/** The owner of processes in which the server is only asked what it speaks. */
const prober = 'probe'

/**
 * The connector for a stdio server, for clients of both eras. Isolated: no process ever serves two
 * principals; each session of a legacy client has its own process, and the modern requests of a principal
 * share one. Shared: there is one process for all.
 */
export function openStdio(settings: StdioSettings): Connector {
  const { principals, limits, responseSeconds, self, clock } = settings
  const shared = principals === 'shared'
  const backOff = createBackOff(clock)
  const keyOf = (principal: string): string => (shared ? 'everybody' : principal)

  /** Starts a process on behalf of `owner`: crashes delay those who may have caused them. */
  const openFor = (
    owner: string,
    callers: () => ReadonlySet<string> = () => new Set(),
    onStderr = settings.onStderr,
  ): OpenChannel => {
    backOff.check(owner)
    const began = clock.now()
    return stdioChannel({
      ...settings,
      onStderr,
      onExit(reason, stopped) {
        const suspects = shared ? callers() : new Set<string>()
        if (!stopped) {
          for (const suspect of suspects.size === 0 ? [owner] : suspects) {
            backOff.crashed(suspect, clock.now() - began)
          }
        }
        if (owner !== prober) settings.onExit(reason, stopped)
      },
    })
  }
  const talk =
    (of: Era): Start =>
    (caller, onClosed) => {
      const open = openFor(keyOf(caller.principal), () => conversation.callers)
      const conversation = startConversation({ era: of, shared, open, caller, responseSeconds, onClosed })
      return conversation
    }
  const openProbe: OpenChannel = (events, headers) => {
    const lines = holdLines(settings.onStderr)
    const open = openFor(prober, undefined, (line) => lines.take(line))
    const heard = {
      ...events,
      onMessage(message: Json) {
        if (message['method'] === undefined) lines.drop()
        events.onMessage(message)
      },
      onClosed(refusal: Refusal) {
        lines.flush()
        events.onClosed(refusal)
      },
    }
    return open(heard, headers)
  }
  const probe = stdioProbe({
    open: openProbe,
    self,
    timeoutSeconds: responseSeconds,
    modernOnly: shared,
  })

  /** Everything here that has a process, so that the limits count all of them. */
  const processes = createRegistry<Conversation>(limits)
  const perPrincipal = (caller: Caller): Conversation => {
    const key = keyOf(caller.principal)
    return (
      processes.find(key) ??
      processes.open(key, caller.principal, (onClosed) => talk('modern')(caller, onClosed))
    )
  }
  const faces = { total: limits.total * 16, perOwner: limits.perOwner * 16, idleSeconds: limits.idleSeconds }

  const verdicts = rememberVerdicts({
    ask: probe.ask,
    // A session of the legacy era would belong to one user, so nobody may open one in a shared process.
    pinned: shared ? { ...pinnedBy(settings.era), legacy: 'no' } : pinnedBy(settings.era),
    seconds: settings.probeSeconds,
    onVerdict: settings.onVerdict,
    clock,
  })
  const router = eraRouter(shared ? refuseLegacy(verdicts) : verdicts, {
    legacy: {
      native: sessionConnector({
        registry: processes,
        lost: replayedSessions(settings.successors),
        start: talk('legacy'),
      }),
      bridged: sessionConnector({
        registry: createRegistry<Conversation>(faces),
        lost: revivedSessions(settings.successors),
        start: (_caller, onClosed) => legacyFace({ reach: perPrincipal, self, onClosed }),
      }),
    },
    modern: {
      native: sharingConnector({ registry: processes, keyOf, start: talk('modern') }),
      bridged: sharingConnector({
        registry: processes,
        keyOf: (principal) => `face ${principal}`,
        start: (_caller, onClosed) => modernFace({ start: talk('legacy'), self, onClosed }),
      }),
    },
  })
  const connector: Connector = {
    async send(request, reply) {
      // In a shared process, whoever keeps crashing it has to wait, and the others go on.
      if (shared && request.method === 'POST') backOff.check(request.principal)
      await router.send(request, reply)
    },
    close: async () => void (await Promise.all([router.close(), probe.close()])),
  }
  return settings.atOwner('stdio', connector, ({ principal }) => keyOf(principal))
}

/** Only a server that keeps nothing between requests can serve everybody in one process. */
function refuseLegacy(verdicts: Verdicts): Verdicts {
  const check = (era: Era, speaks: Speaks): Speaks => {
    if (era === 'modern' && speaks === 'no') {
      const reason =
        'principals: shared needs a server of MCP 2026-07-28; this one speaks older revisions, so set principals: isolated'
      throw new Refusal('upstream_invalid', { reason })
    }
    return speaks
  }
  return {
    known(era, headers) {
      const speaks = verdicts.known(era, headers)
      return speaks === undefined ? undefined : check(era, speaks)
    },
    find: async (era, headers) => check(era, await verdicts.find(era, headers)),
    learn: (era, speaks) => verdicts.learn(era, speaks),
    forget() {}, // one era is asked about, and a refusal is as true the next time
  }
}
