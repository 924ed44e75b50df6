import { proofUrl } from '../compose/dashboard/link.ts'
import type { Config } from '../config/schema.ts'
import { randomToken, secretsEqual } from '../core/secret.ts'
import { createOperatorFetch } from '../http/operator-fetch.ts'

/** No server of the installation answers where one should: reported with the fix. */
export class NotRunning extends Error {}

/** Whose dashboard to look for, and what knows the answers that only that one can give. */
interface Sought {
  readonly tenant: Config['tenant']
  readonly prove: (challenge: string) => string
}

const bounds = { userAgent: 'Portcullis', maxBytes: 1024, milliseconds: 5000, running: 1 }

/** The first of these admin ports that serves the dashboard of this installation, and not that of another. */
export async function findDashboard(admins: Iterable<string>, sought: Sought): Promise<string | undefined> {
  for (const admin of admins) if (await shows(admin, sought)) return admin
  return undefined
}

/** Asks without the proxy that the environment may name (`NODE_USE_ENV_PROXY`), to which this port is another. */
async function shows(admin: string, { tenant, prove }: Sought): Promise<boolean> {
  const challenge = randomToken()
  const ask = createOperatorFetch({ origins: [new URL(admin).origin], ...bounds })
  try {
    const response = await ask(proofUrl(admin, tenant, challenge), {})
    return response.ok && secretsEqual(await response.text(), prove(challenge))
  } catch {
    return false // nothing is listening, or something else is
  }
}
