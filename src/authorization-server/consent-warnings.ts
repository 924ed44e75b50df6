import { borrowedName, isPunycode, mixesAlphabets } from '../core/look-alike.ts'
import { isLoopbackHost } from '../core/resource.ts'
import type { ConsentWarning } from './pages/consent-warnings.ts'

interface WarnedClient {
  /** As it will be shown. */
  readonly clientName: string
  /** The host of its description, where its id is a URL. */
  readonly clientHost: string | undefined
  readonly redirect: URL
}

/** What a person should be warned of before letting a client in. */
export function consentWarnings({ clientName, clientHost, redirect }: WarnedClient): ConsentWarning[] {
  const warnings: ConsentWarning[] = []
  if (isLoopbackHost(redirect.hostname)) warnings.push({ kind: 'loopback' })
  else {
    if (!/^https?:$/.test(redirect.protocol)) warnings.push({ kind: 'private-use' })
    const program = borrowedName(clientName, redirect)
    if (program !== undefined) {
      warnings.push({ kind: 'borrowed-name', program, redirectHost: displayedHost(redirect) })
    }
  }
  if (isPunycode(redirect.hostname) || isPunycode(clientHost ?? '')) warnings.push({ kind: 'punycode' })
  if (mixesAlphabets(clientName)) warnings.push({ kind: 'mixed-alphabets' })
  return warnings
}

/** The part of a redirect URI that says where the answer goes: host and port, or a scheme that opens a program. */
export function displayedHost(redirect: URL): string {
  return /^https?:$/.test(redirect.protocol) ? redirect.host : redirect.protocol
}

/** The host of a client id that is the URL of the client's description. The id is untrusted. */
export function hostOfClientId(clientId: string): string | undefined {
  return clientId.startsWith('https://') ? URL.parse(clientId)?.host : undefined
}
