import type { Era } from '../mcp/revisions.ts'
import { legacyFace } from './bridge/legacy-face.ts'
import { modernFace } from './bridge/modern-face.ts'
import type { Connector } from './contract.ts'
import type { OpenChannel } from './conversation/channel.ts'
import { type Start, sessionConnector, sharingConnector } from './conversation/connector.ts'
import type { Conversation } from './conversation/contract.ts'
import { startConversation } from './conversation/conversation.ts'
import { createRegistry, type Registry } from './conversation/registry.ts'
import type { EraSettings } from './era-settings.ts'
import { httpConnector } from './http.ts'
import { askHttp } from './probe/ask-http.ts'
import { learnFromSession, learnFromUse } from './probe/learn-from-session.ts'
import { pinnedBy, rememberVerdicts, type Speaks } from './probe/verdicts.ts'
import { type LostSessions, replayedSessions, revivedSessions } from './renewal/lost-sessions.ts'
import { renewingConnector } from './renewal/renewing-connector.ts'
import { eraRouter } from './route-eras.ts'
import { sseChannel } from './sse/channel.ts'
import { streamableChannel } from './streamable/channel.ts'
import { ConnectionPool } from './wire/pool.ts'

/** A server at a URL. */
export interface HttpSettings extends EraSettings {
  readonly url: string
  readonly transport: 'auto' | 'streamable-http' | 'sse'
  readonly connectSeconds: number
}

const keepAliveMilliseconds = 4000
const maxProbeSeconds = 10

/** The connector for a server that speaks HTTP, of any era and transport, for clients of both eras. */
export function openHttp(settings: HttpSettings): Connector {
  const { url, transport, connectSeconds, responseSeconds, self, atOwner, successors } = settings
  const limits = { total: 4096, perOwner: 64, idleSeconds: settings.limits.idleSeconds }
  const dispatcher = new ConnectionPool({
    origin: new URL(url),
    connectMilliseconds: connectSeconds * 1000,
    headMilliseconds: responseSeconds * 1000,
    idleMilliseconds: keepAliveMilliseconds,
    clock: settings.clock,
  })
  const native = httpConnector({ url, dispatcher })
  const sse = sseChannel({ dispatcher, url, responseSeconds })
  const talk =
    (era: Era, open: OpenChannel): Start =>
    (caller, onClosed) =>
      startConversation({ era, shared: false, open, caller, responseSeconds, onClosed })
  const registry = (): Registry<Conversation> => createRegistry(limits)
  const forLegacy = (lost: LostSessions, start: Start): Connector =>
    sessionConnector({ registry: registry(), lost, start })
  const forModern = (open: OpenChannel): Connector =>
    sharingConnector({
      registry: registry(),
      keyOf: (principal) => principal,
      start: (_caller, onClosed) => modernFace({ start: talk('legacy', open), self, onClosed }),
    })
  /** Each session talks to the modern server in a conversation of its own, in another one when that is over. */
  const startLegacyFace: Start = (caller, onClosed) => {
    const start = talk('modern', streamableChannel({ dispatcher, url, era: 'modern' }))
    let inner: Conversation | undefined
    return legacyFace({
      reach: () => (inner ??= start(caller, () => (inner = undefined))),
      self,
      onClosed() {
        void inner?.stop()
        onClosed()
      },
    })
  }

  const verdicts = rememberVerdicts({
    ask: askHttp({
      dispatcher,
      url,
      self,
      trySse: transport === 'auto',
      timeoutSeconds: Math.min(responseSeconds, maxProbeSeconds),
    }),
    pinned: pinned(settings),
    seconds: settings.probeSeconds,
    onVerdict: settings.onVerdict,
    clock: settings.clock,
  })
  const legacy = renewingConnector({ connector: native, dispatcher, url, responseSeconds, successors })
  const router = eraRouter(verdicts, {
    legacy: {
      native: legacy,
      sse: atOwner('legacy-sse', forLegacy(replayedSessions(successors), talk('legacy', sse))),
      bridged: atOwner('legacy-bridged', forLegacy(revivedSessions(successors), startLegacyFace)),
      neither: learnFromUse(verdicts, legacy),
    },
    modern: {
      native,
      bridged: atOwner('modern-bridged', forModern(streamableChannel({ dispatcher, url, era: 'legacy' }))),
      bridgedOverSse: atOwner('modern-bridged-sse', forModern(sse)),
    },
  })
  const connector = learnFromSession({ verdicts, native: legacy, router })
  return {
    send: (request, reply) => connector.send(request, reply),
    async close() {
      await connector.close()
      await dispatcher.destroy()
    },
  }
}

function pinned({ era, transport }: HttpSettings): Partial<Record<Era, Speaks>> {
  if (transport === 'sse') return { modern: 'no', legacy: 'sse' }
  // The transport of a legacy server may still have to be asked.
  return era === 'legacy' && transport === 'auto' ? { modern: 'no' } : pinnedBy(era)
}
