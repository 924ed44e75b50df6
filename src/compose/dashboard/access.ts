import { type DashboardAccess, dashboardSessionSeconds } from '../../admin/sign-in.ts'
import type { Clock } from '../../core/clock.ts'
import { keyedDigest, type MasterSecret, randomToken } from '../../core/secret.ts'
import type { ArtifactStore } from '../../storage/contract.ts'

const linkModel = 'DashboardLink'
const sessionModel = 'DashboardSession'
const linkMilliseconds = 15 * 60 * 1000

interface AccessPorts {
  readonly artifacts: ArtifactStore
  readonly secret: MasterSecret
  readonly clock: Clock
}

/** Links and sessions of the dashboard over the store, which keeps hashes of them. */
export function dashboardAccess({ artifacts, secret, clock }: AccessPorts): DashboardAccess {
  const put = async (model: string, milliseconds: number): Promise<string> => {
    const id = randomToken()
    const expiresAt = clock.now() + milliseconds
    await artifacts.put({ model, id, payload: { expiresAt }, expiresAt })
    return id
  }
  return {
    createLink: () => put(linkModel, linkMilliseconds),
    async enter(token) {
      const taken = await artifacts.take(linkModel, token)
      return taken === undefined ? undefined : put(sessionModel, dashboardSessionSeconds * 1000)
    },
    async isOpen(session) {
      if (session === '') return false
      const found = await artifacts.find(sessionModel, session)
      return Number(found?.payload['expiresAt'] ?? 0) > clock.now()
    },
    leave: (session) => artifacts.remove(sessionModel, session),
    formToken: keyedDigest(secret.derive('dashboard/form')),
  }
}
