import { createRequire } from 'node:module'
import type * as undici from 'undici'

/**
 * The one place where undici is loaded. The gateway needs a quarter of its modules; the others, for caches,
 * proxies, mocks, WebSockets and a fetch, would only slow down each start. Its modules are not a public
 * interface, so its exact version is pinned.
 */
const load = createRequire(import.meta.url)
const part = (name: string): unknown => load(`undici/lib/${name}.js`)

export const errors = part('core/errors') as typeof undici.errors
export const buildConnector = part('core/connect') as typeof undici.buildConnector
export const Dispatcher = part('dispatcher/dispatcher') as typeof undici.Dispatcher
export const Client = part('dispatcher/client') as typeof undici.Client
export const Pool = part('dispatcher/pool') as typeof undici.Pool
export const Agent = part('dispatcher/agent') as typeof undici.Agent

/** Adds `request` and the like as methods, as undici's own entry point does. */
Object.assign(Dispatcher.prototype, part('api/index'))
