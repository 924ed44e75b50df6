/**
 * Loaded with `node --import` into a program that cannot send a token: adds one to every request to one
 * origin, whichever of the three ways the program uses. Host, Origin and body stay unchanged.
 */
import http, { type ClientRequestArgs } from 'node:http'
import { createRequire, syncBuiltinESMExports } from 'node:module'

const origin = process.env['INJECT_ORIGIN'] as string
const authorization = `Bearer ${process.env['INJECT_TOKEN']}`
const { host } = new URL(origin)

const { fetch } = globalThis
globalThis.fetch = (input, init) => {
  const request = new Request(input, init)
  if (new URL(request.url).origin === origin && !request.headers.has('authorization')) {
    request.headers.set('authorization', authorization)
  }
  return fetch(request)
}

const { request } = http
http.request = ((...args: Parameters<typeof request>) => {
  const client = request(...args)
  const [target] = args as unknown as [string | URL | ClientRequestArgs]
  const toGateway =
    typeof target === 'string' || target instanceof URL
      ? new URL(target).host === host
      : `${target.hostname ?? target.host}:${target.port}` === host
  if (toGateway && !client.hasHeader('authorization')) client.setHeader('authorization', authorization)
  return client
}) as typeof request
syncBuiltinESMExports()

interface Undici {
  getGlobalDispatcher(): { compose(interceptor: (dispatch: Dispatch) => Dispatch): unknown }
  setGlobalDispatcher(dispatcher: unknown): void
}
type Dispatch = (
  options: { origin?: string | URL; headers?: Record<string, string> },
  handler: unknown,
) => boolean

const undici = createRequire(process.env['INJECT_FOLDER'] as string)('undici') as Undici
undici.setGlobalDispatcher(
  undici.getGlobalDispatcher().compose((dispatch) => (options, handler) => {
    const toGateway = options.origin !== undefined && new URL(options.origin).origin === origin
    return dispatch(
      toGateway ? { ...options, headers: { authorization, ...options.headers } } : options,
      handler,
    )
  }),
)
