import assert from 'node:assert/strict'
import { type Answer, type GatedSpy, legacyRequest, modernRequest } from './gated-spy.ts'

/** A JSON object. */
export type Json = Record<string, unknown>

const extension = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
/** The key of a label. */
export const relatedTask = 'io.modelcontextprotocol/related-task'
/** The server's id of its only task. */
export const rawId = 'täsk 1'
/** What else it says about it. */
export const status = { status: 'working', ttl: 60_000 }

/** A server that has one task, and reveals it to everybody who asks. */
export function answerAsTaskServer({ spy }: GatedSpy): void {
  spy.answerWith(({ body, method: verb }, res) => {
    if (verb === 'GET') {
      const told = [
        { method: 'notifications/tasks/status', params: { taskId: rawId, ...status } },
        {
          method: 'elicitation/create',
          id: 5,
          params: { _meta: { [relatedTask]: { taskId: rawId }, a: 1 } },
        },
        { method: 'notifications/message', params: { data: 'line' } },
      ]
      const events = told.map((message) => `data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
      return res.writeHead(200, { 'content-type': 'text/event-stream' }).end(events.join(''))
    }
    const message = JSON.parse(body) as { id?: unknown; method?: string; params?: Json }
    if (message.id === undefined || message.method === undefined) return res.writeHead(202).end()
    const answer = { jsonrpc: '2.0', id: message.id, result: resultOf(message.method, message.params ?? {}) }
    return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
}

function resultOf(method: string, params: Json): Json {
  const isModern = JSON.stringify(params).includes('2026-07-28')
  if (method === 'tools/call')
    return isModern
      ? { resultType: 'task', taskId: rawId, ...status }
      : { task: { taskId: rawId, ...status } }
  if (method === 'tasks/list') return { tasks: [{ taskId: rawId, ...status }], nextCursor: 'more' }
  if (method === 'tasks/result') return { content: [], _meta: { [relatedTask]: { taskId: rawId } } }
  if (method === 'initialize') return { capabilities: { tasks: { list: {}, cancel: {} }, tools: {} } }
  return { taskId: params['taskId'], ...status }
}

/** A request of a client that supports tasks. */
export function taskRequest(
  era: 'legacy' | 'modern',
  method: string,
  params: Json,
): { body: object; headers: Record<string, string> } {
  return era === 'legacy'
    ? { body: legacyRequest(method, params), headers: {} }
    : modernRequest(method, params, 7, extension)
}

/** Sends such a request to a gateway. */
export async function send(
  era: 'legacy' | 'modern',
  method: string,
  params: Json,
  { token, at }: { token: string; at: GatedSpy },
): Promise<Answer> {
  const { body, headers } = taskRequest(era, method, params)
  return at.post(body, { token, headers })
}

/** Creates a task and returns the id that its owner gets. */
export async function makeTask(era: 'legacy' | 'modern', token: string, at: GatedSpy): Promise<string> {
  answerAsTaskServer(at)
  const params = { name: 'slow', arguments: {}, ...(era === 'legacy' ? { task: { ttl: 60_000 } } : {}) }
  const { json } = await send(era, 'tools/call', params, { token, at })
  const result = (era === 'legacy' ? json.result?.['task'] : json.result) as Json
  assert.equal(result['ttl'], status.ttl)
  return String(result['taskId'])
}

/** The messages in an event stream. */
export function messagesIn(text: string): Json[] {
  return [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? '') as Json)
}
