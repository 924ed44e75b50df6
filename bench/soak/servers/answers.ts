import type { Fault } from '../faults.ts'
import type { Era } from '../lanes.ts'
import { type Mark, writeMark } from '../marks.ts'

interface Params {
  readonly name?: string
  readonly cursor?: string
  readonly uri?: string
  readonly requestId?: number
  readonly arguments?: { readonly asker: string; readonly fault?: Fault }
  readonly clientInfo?: { readonly name: string }
  readonly _meta?: {
    readonly progressToken?: number
    readonly 'io.modelcontextprotocol/protocolVersion'?: string
    readonly 'io.modelcontextprotocol/clientInfo'?: { readonly name: string }
  }
}

/** A message as the servers of the soak test read it. */
export interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly params?: Params
}

/** A request, and the user that it claims to be from. */
export interface Asked {
  readonly claimed: string
  readonly number: number
  readonly id: number | string
  readonly era: Era
  readonly method: string
  readonly params: Params
}

const revisions: Readonly<Record<Era, string>> = { legacy: '2025-11-25', modern: '2026-07-28' }
const info = '{"name":"soak","version":"1"}'
const capabilities = '{"tools":{"listChanged":true},"resources":{}}'
const filler = 'x'.repeat(65_536)

/** The era of a message, according to itself. */
export function eraOf({ params }: Message): Era {
  return params?.['_meta']?.['io.modelcontextprotocol/protocolVersion'] === undefined ? 'legacy' : 'modern'
}

/** Reads a request of the soak test. */
export function readAsked(message: Message): Asked {
  const { id = '', method = '', params = {} } = message
  const { asker } = params.arguments ?? {}
  const [claimed = '', number] = (asker ?? params.cursor ?? params.uri?.slice('soak://'.length) ?? '').split(
    '.',
  )
  return { claimed, number: Number(number), id, era: eraOf(message), method, params }
}

/**
 * For whom a session or a subscription was opened, by the name of the client; undefined for the gateway
 * itself.
 */
export function readStream(message: Message): { readonly user: string; readonly stream: number } | undefined {
  const { clientInfo, ['_meta']: meta } = message.params ?? {}
  const name = (clientInfo ?? meta?.['io.modelcontextprotocol/clientInfo'])?.name ?? ''
  const [, user, stream] = /^(\w+)\.(\d+)$/.exec(name) ?? []
  return user === undefined ? undefined : { user, stream: Number(stream) }
}

/** The first answer in an era: to `initialize` or to `server/discover`. */
export function openingOf({ id, method }: Message): string {
  if (method === 'initialize') {
    const result = `{"protocolVersion":"${revisions.legacy}","capabilities":${capabilities},"serverInfo":${info}}`
    return wrap(id, `"result":${result}`)
  }
  const meta = `"_meta":{"io.modelcontextprotocol/serverInfo":${info}}`
  const versions = `"supportedVersions":["${revisions.modern}"]`
  return wrap(
    id,
    `"result":{"resultType":"complete",${versions},"capabilities":${capabilities},"ttlMs":0,"cacheScope":"private",${meta}}`,
  )
}

/** The answer that there is no such method, as from a server of one era to a request of the other. */
export function unknownMethod({ id }: Message): string {
  return wrap(id, '"error":{"code":-32601,"message":"unknown method"}')
}

/** The right answer, for a user. */
export function answerTo(asked: Asked, user: string): string {
  const mark = markOf(asked, user, 'r')
  const type = asked.era === 'modern' ? '"resultType":"complete",' : ''
  return wrap(asked.id, `"result":{${type}${resultOf(asked, mark)}}`)
}

/** An error of the server. */
export function errorTo(asked: Asked, user: string): string {
  return wrap(asked.id, `"error":{"code":-32603,"message":"${markOf(asked, user, 'e')}"}`)
}

function wrap(id: number | string | undefined, rest: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${rest}}`
}

function resultOf({ method, params, number }: Asked, mark: string): string {
  if (method === 'tools/list') return `"tools":[{"name":"${mark}","inputSchema":{"type":"object"}}]`
  if (method === 'resources/read') {
    // One in fifty is too large for one packet.
    const text = number % 50 === 0 ? filler : 'x'
    return `"contents":[{"uri":"${params.uri}","text":"${mark} ${text}"}]`
  }
  return `"content":[{"type":"text","text":"${mark}"}]`
}

/** The text that identifies an answer. */
export function markOf({ number }: Asked, user: string, part: Mark['part']): string {
  return writeMark(user, number, part)
}

/** A progress notification. */
export function progressOf(asked: Asked, user: string, step: number): string {
  const token = asked.params['_meta']?.progressToken ?? asked.id
  const params = `{"progressToken":${JSON.stringify(token)},"progress":${step},"message":"${markOf(asked, user, 'p')}"}`
  return `{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`
}

/** The acknowledgement of a subscription. */
export function acknowledge(id: number | string | undefined): string {
  const params = `{"notifications":{"toolsListChanged":true},"_meta":{${subscription(id)}}}`
  return `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":${params}}`
}

/** A change notification for a stream of a user; `id` is that of its subscription. */
export function changeOf(mark: string, id?: number | string): string {
  const meta = id === undefined ? '' : `,${subscription(id)}`
  return `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"mark":"${mark}"${meta}}}}`
}

function subscription(id: number | string | undefined): string {
  return `"io.modelcontextprotocol/subscriptionId":${JSON.stringify(id)}`
}
