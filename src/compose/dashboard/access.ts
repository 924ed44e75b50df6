import { type DashboardAccess, dashboardSessionSeconds } from '../../admin/access-contract.ts'
import type { Clock } from '../../core/clock.ts'
import { keyedDigest, type MasterSecret, randomToken } from '../../core/secret.ts'
import type { ArtifactStore } from '../../storage/artifact-contract.ts'

const linkModel = 'DashboardLink'
const sessionModel = 'DashboardSession'
const linkMilliseconds = 15 * 60 * 1000

interface AccessPorts {
  readonly artifacts: ArtifactStore
  readonly secret: MasterSecret
  readonly clock: Clock
}

/** Links and sessions of the dashboard, in the store, which holds only hashes of them. */
export function dashboardAccess({ artifacts, secret, clock }: AccessPorts): DashboardAccess {
  const put = async (model: string, operator: unknown, milliseconds: number): Promise<string> => {
    const id = randomToken()
    const expiresAt = clock.now() + milliseconds
    await artifacts.put({ model, id, payload: { operator, expiresAt }, expiresAt })
    return id
  }
  return {
    createLinkToken: (operator) => put(linkModel, operator, linkMilliseconds),
    async enter(token) {
      const taken = await artifacts.take(linkModel, token)
      return taken && put(sessionModel, taken.payload['operator'], dashboardSessionSeconds * 1000)
    },
    async operatorOf(session) {
      if (session === '') return undefined
      const { operator, expiresAt } = (await artifacts.find(sessionModel, session))?.payload ?? {}
      return Number(expiresAt ?? 0) > clock.now() ? String(operator) : undefined
    },
    leave: (session) => artifacts.remove(sessionModel, session),
    deny: () => undefined,
    formToken: keyedDigest(secret.derive('dashboard/form')),
    prove: keyedDigest(secret.derive('dashboard/proof')),
  }
}
