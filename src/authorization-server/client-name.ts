import type { Client } from 'oidc-provider'
import { displayText } from '../core/display-text.ts'

/** The name of a client as users may see it. What the client calls itself is untrusted. */
export function displayedClientName(client: Client | undefined): string {
  return displayText(client?.clientName ?? '') || 'A program without a name'
}
