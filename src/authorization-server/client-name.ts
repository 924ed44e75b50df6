import type { Client } from 'oidc-provider'
import { displayText } from '../http/page.ts'

/** The name of a client as people may see it. What it calls itself is untrusted. */
export function displayedClientName(client: Client | undefined): string {
  return displayText(client?.clientName ?? '') || 'A program without a name'
}
