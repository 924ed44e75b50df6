import type { Client } from 'oidc-provider'
import { displayText } from '../../core/display-text.ts'

/** What stands for the name of a client that has none, at the beginning of a sentence. */
export const namelessClient = 'A program without a name'

/** The name of a client as users may see it. What the client calls itself is untrusted. */
export function displayedClientName(client: Client | undefined): string {
  return displayText(client?.clientName ?? '') || namelessClient
}
