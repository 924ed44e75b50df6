import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Clock } from '../../core/clock.ts'
import type { Site } from '../../core/site.ts'
import type { ArtifactStore, FoundArtifact } from '../../storage/artifact-contract.ts'
import { cookieNames, shortCookie } from '../cookies.ts'
import { Provider } from '../library/library.ts'

/** The library's name in the store for pages on which a user logs in or decides. */
export const interactionModel = 'Interaction'

interface ResumptionPorts {
  readonly artifacts: ArtifactStore
  readonly clock: Clock
}

/** For how long a browser may ask again how its authorization request continues. */
export const resumptionMilliseconds = 60_000

const isResuming = (): boolean => Provider.ctx?.oidc.route === 'resume'

/**
 * Finds an interaction. If a login or a decision has been processed and the answer was lost with the process,
 * the browser or its load balancer asks again; without its session cookie, which was in that answer, the user
 * would have to log in again. So for a while the browser gets another answer, with a new code, if it has the
 * signed cookie of this request; a browser that received its answer has dropped that cookie. The pages
 * themselves are over.
 */
export async function findToResume(
  { artifacts, clock }: ResumptionPorts,
  id: string,
): Promise<FoundArtifact | undefined> {
  const found = await artifacts.find(interactionModel, id)
  if (found?.consumedAt === undefined) return found
  // Counted in both directions, like the window of a refresh.
  const isOpen = isResuming() && Math.abs(clock.now() - found.consumedAt) < resumptionMilliseconds
  return isOpen ? found : undefined
}

/** Notes that the library processes an interaction. Returns false if it is to be removed now. */
export async function resumeLater({ artifacts }: ResumptionPorts, id: string): Promise<boolean> {
  if (!isResuming()) return false
  await artifacts.consume(interactionModel, id)
  return true
}

/**
 * Makes the browser drop the cookie of the request that was processed. The library does so too, but not if it
 * gives the next request a cookie with the same name, in which case only that one is in the answer. This one
 * comes last, for clients that look at names and not at paths.
 */
export function dropResumption(site: Site, context: KoaContextWithOIDC): void {
  if (context.oidc.route !== 'resume') return
  const others = [context.response.get('Set-Cookie')].flat().filter(Boolean)
  context.remove('Set-Cookie')
  const options = { ...shortCookie(site), path: site.path(context.path) }
  context.cookies.set(cookieNames(site).resume, null, options)
  context.append('Set-Cookie', others)
}
