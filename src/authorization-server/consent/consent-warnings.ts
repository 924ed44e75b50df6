import { borrowedName, isPunycode, mixesAlphabets } from '../../core/look-alike.ts'
import { isLoopbackHost } from '../../core/resource.ts'
import { isLocalhostName } from '../../http/resolve-host.ts'
import { leadsInside } from '../../http/special-use.ts'
import type { ConsentWarning } from '../pages/consent-warnings.ts'

interface WarnedClient {
  /** As it will be shown. */
  readonly clientName: string
  /** The host of its document, if its id is a URL. */
  readonly clientHost: string | undefined
  /** Where the answer goes; undefined if the client polls for it. */
  readonly redirect: URL | undefined
}

/** What a user should be warned of before approving a client. */
export function consentWarnings({ clientName, clientHost, redirect }: WarnedClient): ConsentWarning[] {
  const warnings = redirect === undefined ? [] : redirectWarnings(clientName, redirect)
  const hosts = [redirect?.hostname ?? '', clientHost ?? '']
  if (hosts.some(isPunycode)) warnings.push({ kind: 'punycode' })
  if (mixesAlphabets(clientName)) warnings.push({ kind: 'mixed-alphabets' })
  return warnings
}

function redirectWarnings(clientName: string, redirect: URL): ConsentWarning[] {
  // A program on this computer may borrow any name.
  if (isLoopbackHost(redirect.hostname) || isLocalhostName(redirect.hostname)) return [{ kind: 'loopback' }]
  const warnings: ConsentWarning[] = []
  if (!isWeb(redirect)) warnings.push({ kind: 'private-use' })
  else if (leadsInside(redirect.hostname)) warnings.push({ kind: 'inside' })
  const program = borrowedName(clientName, redirect)
  if (program !== undefined) {
    warnings.push({ kind: 'borrowed-name', program, redirectHost: displayedHost(redirect) })
  }
  return warnings
}

/**
 * The part of a redirect URI that says where the answer goes: host and port, or a scheme that opens a
 * program.
 */
export function displayedHost(redirect: URL): string {
  return isWeb(redirect) ? redirect.host : redirect.protocol
}

function isWeb({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'http:'
}
