import { proofUrl } from '../compose/dashboard/link.ts'
import type { Config } from '../config/schema.ts'
import { randomToken, secretsEqual } from '../core/secret.ts'

/** No server of the installation answers where one should: told with the fix. */
export class NotRunning extends Error {}

/** Whose dashboard is looked for, and what knows the answers that it alone can give. */
interface Sought {
  readonly tenant: Config['tenant']
  readonly prove: (challenge: string) => string
}

const patienceMilliseconds = 5000

/** The first of these admin ports that shows the dashboard of this installation, and not that of another one. */
export async function findDashboard(admins: Iterable<string>, sought: Sought): Promise<string | undefined> {
  for (const admin of admins) if (await shows(admin, sought)) return admin
  return undefined
}

async function shows(admin: string, { tenant, prove }: Sought): Promise<boolean> {
  const challenge = randomToken()
  try {
    const response = await fetch(proofUrl(admin, tenant, challenge), {
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMilliseconds),
    })
    return response.ok && secretsEqual(await response.text(), prove(challenge))
  } catch {
    return false // nobody is there, or somebody who speaks of something else
  }
}
