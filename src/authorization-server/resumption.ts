import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Clock } from '../core/clock.ts'
import type { Site } from '../core/site.ts'
import type { ArtifactStore, FoundArtifact } from '../storage/contract.ts'
import { cookieNames, shortCookie } from './cookies.ts'
import { Provider } from './library.ts'

/** The library's name of pages in the store on which a person logs in or decides. */
export const interactionModel = 'Interaction'

interface ResumptionPorts {
  readonly artifacts: ArtifactStore
  readonly clock: Clock
}

/** How long a browser may ask again how its authorization request goes on. */
export const resumptionMilliseconds = 60_000

const isResuming = (): boolean => Provider.ctx?.oidc.route === 'resume'

/**
 * Finds an interaction. Where a login or a decision has been taken up and the answer was lost with the process, the
 * browser asks again, or its balancer does: without the cookie of its session, which was in that answer, it would have
 * to log in anew. So it gets an answer again for a while, with a code of its own, where it bears the signed cookie of this
 * request; a browser that had its answer has dropped that. The pages themselves are over.
 */
export async function findToResume(
  { artifacts, clock }: ResumptionPorts,
  id: string,
): Promise<FoundArtifact | undefined> {
  const found = await artifacts.find(interactionModel, id)
  if (found?.consumedAt === undefined) return found
  // Counted to both sides, as the window of a refresh is.
  const isOpen = isResuming() && Math.abs(clock.now() - found.consumedAt) < resumptionMilliseconds
  return isOpen ? found : undefined
}

/** Notes that the library takes up an interaction. Returns false where it is to be removed now. */
export async function resumeLater({ artifacts }: ResumptionPorts, id: string): Promise<boolean> {
  if (!isResuming()) return false
  await artifacts.consume(interactionModel, id)
  return true
}

/**
 * Lets the browser drop the cookie of the request that was taken up. The library does so, too, but not where it gives the
 * next request a cookie of the same name: that then stands alone in the answer. It comes last, for clients that look at
 * names and at no paths.
 */
export function dropResumption(site: Site, context: KoaContextWithOIDC): void {
  if (context.oidc.route !== 'resume') return
  const others = [context.response.get('Set-Cookie')].flat().filter(Boolean)
  context.remove('Set-Cookie')
  const options = { ...shortCookie(site), path: site.path(context.path) }
  context.cookies.set(cookieNames(site).resume, null, options)
  context.append('Set-Cookie', others)
}
