import { Refusal } from '../../core/errors.ts'
import { randomToken } from '../../core/secret.ts'
import type { Connector, UpstreamReply, UpstreamRequest } from '../contract.ts'
import { type Conversation, startConversation } from './conversation.ts'
import { openSink } from './sink.ts'

interface StdioConnectorOptions {
  readonly command: readonly string[]
  /** All that the server gets to see of our environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Told of each line that the server prints beside its messages. */
  readonly onStderr: (line: string) => void
  readonly onExit: (reason: string) => void
}

const maxConversations = 64
const maxPerPrincipal = 8
const idleMilliseconds = 10 * 60 * 1000

/** A running process. */
interface Entry {
  readonly conversation: Conversation
  readonly principal: string
  readonly reaper: NodeJS.Timeout
  used: boolean
}

function reap(entry: Entry): void {
  if (!entry.conversation.busy && !entry.used) void entry.conversation.stop()
  entry.used = false
}

/**
 * The way to a stdio server. A legacy session has a process of its own; modern requests of one principal share one. No
 * process ever serves two principals.
 */
export function stdioConnector(options: StdioConnectorOptions): Connector {
  const { command, environment, onStderr, onExit } = options
  const conversations = new Map<string, Entry>()

  const start = (key: string, principal: string): Conversation => {
    const own = [...conversations.values()].filter((entry) => entry.principal === principal).length
    if (conversations.size >= maxConversations || own >= maxPerPrincipal) {
      const reason = `${conversations.size} processes of the stdio server are running, ${own} of them for this caller`
      throw new Refusal('too_many_requests', { reason, retryAfterSeconds: 5 })
    }
    const conversation = startConversation({
      command,
      environment,
      onStderr,
      onExit(reason) {
        clearInterval(conversations.get(key)?.reaper)
        conversations.delete(key)
        onExit(reason)
      },
    })
    const entry: Entry = {
      conversation,
      principal,
      used: true,
      reaper: setInterval(() => reap(entry), idleMilliseconds).unref(),
    }
    conversations.set(key, entry)
    return conversation
  }

  /** The conversation that a request belongs to, started where it opens one; undefined for a session that is over. */
  const find = (
    request: UpstreamRequest,
    opens: boolean,
  ): { key: string; conversation: Conversation } | undefined => {
    const key =
      request.era === 'modern' ? `modern ${request.principal}` : opens ? randomToken(16) : request.session
    if (key === undefined) return undefined
    const known = conversations.get(key)
    if (known !== undefined) {
      known.used = true
      return { key, conversation: known.conversation }
    }
    return opens || request.era === 'modern'
      ? { key, conversation: start(key, request.principal) }
      : undefined
  }

  return {
    async send(request, reply) {
      const text = request.body?.toString() ?? ''
      const found = find(request, request.opensSession)
      if (found === undefined) {
        throw new Refusal(request.session === undefined ? 'session_missing' : 'session_unknown')
      }
      const { key, conversation } = found
      const headers: Record<string, string> = request.era === 'legacy' ? { 'mcp-session-id': key } : {}
      return converse(conversation, request, { text, reply, headers })
    },
    async close() {
      await Promise.all([...conversations.values()].map(({ conversation }) => conversation.stop()))
    },
  }
}

function converse(
  conversation: Conversation,
  request: UpstreamRequest,
  { text, reply, headers }: { text: string; reply: UpstreamReply; headers: Record<string, string> },
): Promise<void> {
  const { sink, done } = openSink(reply, headers)
  if (request.method === 'DELETE') {
    void conversation.stop()
    sink.end(200)
  } else if (request.method === 'GET') {
    sink.open()
    reply.res.once('close', conversation.listen(sink))
  } else if (request.id === undefined) {
    for (const one of withoutRequests(text)) conversation.tell(one)
    sink.end(202)
  } else {
    conversation.request(text, sink)
    // A lost connection is a cancellation in the modern era alone (MCP O14).
    if (request.era === 'modern') reply.res.once('close', () => conversation.cancel(sink))
  }
  return done
}

/** The messages of a body that wait for no answer. A batch that holds requests has no place on stdio yet. */
function withoutRequests(text: string): string[] {
  const parsed = JSON.parse(text) as unknown
  if (!Array.isArray(parsed)) return [text]
  if (parsed.some((message: object) => 'id' in message && 'method' in message))
    throw new Refusal('batch_unsupported')
  return parsed.map((message) => JSON.stringify(message))
}
