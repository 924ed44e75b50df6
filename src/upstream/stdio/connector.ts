import { startConversation } from '../conversation/conversation.ts'
import { sessionConnector, sharingConnector, type Start } from '../conversation/connector.ts'
import { createRegistry } from '../conversation/registry.ts'
import type { Connector } from '../contract.ts'
import type { Era } from '../../mcp/revisions.ts'
import { type StdioCommand, stdioChannel } from './channel.ts'

const limits = { total: 64, perOwner: 8, idleSeconds: 600 }

/**
 * The way to a stdio server. A legacy session has a process of its own; modern requests of one principal share one. No
 * process ever serves two principals.
 */
export function stdioConnector(command: StdioCommand): Connector {
  const open = stdioChannel(command)
  const start =
    (era: Era): Start =>
    (caller, onClosed) =>
      startConversation({ era, shared: false, open, caller, onClosed })
  const legacy = sessionConnector({ registry: createRegistry(limits), start: start('legacy') })
  const modern = sharingConnector({
    registry: createRegistry(limits),
    start: start('modern'),
    keyOf: (principal) => principal,
  })
  return {
    send: (request, reply) => (request.era === 'modern' ? modern : legacy).send(request, reply),
    close: async () => void (await Promise.all([legacy.close(), modern.close()])),
  }
}
