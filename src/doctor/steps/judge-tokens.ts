import { canonicalResource } from '../../core/resource.ts'
import type { ResourceFacts, Visit } from '../contract.ts'
import type { Reply } from '../reply.ts'
import { audienceOf } from '../token-request.ts'

/** What every answer with tokens must say: that it must not be cached, and for which server the token is. */
export function judgeTokens({ report }: Visit, reply: Reply, token: string, resource: ResourceFacts): void {
  if (/no-store/i.test(reply.headers['cache-control'] ?? '')) report.pass('token-cache')
  else report.fail('token-cache', 'Cache-Control lacks no-store')
  judgeAudience(report, token, resource)
}

/** The audience of a readable token. */
export function judgeAudience(report: Visit['report'], token: string, { resource }: ResourceFacts): void {
  const audience = audienceOf(token)
  if (audience === undefined)
    return report.skip('token-audience', 'the token is opaque, so its audience cannot be read')
  // What is no URL has no canonical form, and is only itself.
  const formOf = (value: string): string => canonicalResource(value) ?? value
  if (audience.some((value) => formOf(value) === formOf(resource))) return report.pass('token-audience')
  const named = audience.length === 0 ? 'no audience' : `the audience ${audience.join(', ')}`
  report.warn(
    'token-audience',
    `the token has ${named}, not ${resource}: it is not bound to this server, so other servers of this issuer may accept it`,
  )
}
