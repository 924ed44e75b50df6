import type { ServerOptions } from 'node:http'
import type { Config } from '../config/schema.ts'
import { EarlyAnswer } from '../http/early-answer.ts'

/** How long requests in progress may take to finish when their listener is closed, or their server removed. */
export const drainMilliseconds = 10_000

/** How long `/readyz` announces the end before anything is closed. */
export function noticeSeconds({ mode, listen: { noticeSeconds: seconds } }: Config): number {
  return seconds ?? (mode === 'production' ? 3 : 0)
}

/** How long idle connections may still bring a last request once no new ones are accepted, if proxies take notice. */
export function lastCallMilliseconds(config: Config): number {
  return Math.min(noticeSeconds(config) * 1000, 1000)
}

/**
 * Options for every HTTP listener of a process: the maximum size of the headers, the time limits for the
 * headers and the whole request, and what becomes of a connection whose request is answered early.
 */
export function httpOptions({ limits }: Config): ServerOptions {
  return {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headSeconds * 1000,
    requestTimeout: Math.max(limits.headSeconds, limits.requestSeconds) * 1000,
    // How often Node looks for late requests.
    connectionsCheckingInterval: Math.min(limits.headSeconds * 500, 5000),
    keepAliveTimeout: 65_000,
    requireHostHeader: true,
    ServerResponse: EarlyAnswer,
  }
}
