import { displayText } from '../core/display-text.ts'
import { Refusal } from '../core/errors.ts'
import type { Head } from './head.ts'

/** Which hosts and origins a request may name. */
export interface Guard {
  /**
   * Throws `host_not_allowed` or `origin_not_allowed`. A missing Origin is allowed, since most clients are
   * not browsers.
   */
  check(head: Head): void
}

interface GuardOptions {
  /** Accepted values of the Host header, in lower case. */
  readonly hosts: Iterable<string>
  /** Exact origins that may call from a browser. */
  readonly origins: Iterable<string>
  /** Accepts every http origin on a loopback host, with any port; for development. */
  readonly anyLoopbackOrigin: boolean
}

const loopbackOrigin = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/

/** The protection against DNS rebinding and cross-site calls (MCP transports, "Security Warning"). */
export function createGuard(options: GuardOptions): Guard {
  const hosts = new Set(options.hosts)
  const origins = new Set(options.origins)
  const allows = (origin: string): boolean =>
    origins.has(origin) || (options.anyLoopbackOrigin && loopbackOrigin.test(origin))
  return {
    check({ host, origin, duplicated }) {
      if (duplicated === 'host' || host === undefined || !hosts.has(host.toLowerCase())) {
        const came = duplicated === 'host' ? 'Host came more than once' : `Host is ${quote(host)}`
        const mend = 'let the proxy pass Host on, or set allowedHosts'
        throw new Refusal('host_not_allowed', { reason: `${came}, served: ${listOf(hosts)}; ${mend}` })
      }
      if (duplicated === 'origin' || (origin !== undefined && !allows(origin))) {
        const came = duplicated === 'origin' ? 'Origin came more than once' : `Origin is ${quote(origin)}`
        const allowed = listOf(origins) + (options.anyLoopbackOrigin ? ', and all of loopback' : '')
        const mend = 'where that page may call, add it to cors.origins'
        throw new Refusal('origin_not_allowed', { reason: `${came}, allowed: ${allowed}; ${mend}` })
      }
    },
  }
}

const maxShown = 100
const mostListed = 5

/** A header as shown to the operator: no longer than a valid one, and without misleading characters. */
function quote(text: string | undefined): string {
  return text === undefined ? 'missing' : JSON.stringify(displayText(text, maxShown))
}

function listOf(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, mostListed).join(', ')
  return names.size > mostListed ? `${shown} and ${names.size - mostListed} more` : shown
}
