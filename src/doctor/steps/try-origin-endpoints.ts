import type { Visit } from '../contract.ts'
import { describe } from '../reply.ts'

/**
 * Looks for the endpoints that some hosted clients use on the origin of the MCP server, whatever the metadata
 * says.
 */
export async function tryOriginEndpoints({ ask, endpoint, profile, report }: Visit): Promise<void> {
  if (!profile.usesOriginEndpoints) return
  const missing: string[] = []
  for (const [path, method] of [
    ['/authorize', 'GET'],
    ['/token', 'POST'],
    ['/register', 'POST'],
  ] as const) {
    const reply = await ask(endpoint.origin + path, { method, ...(method === 'POST' ? { form: {} } : {}) })
    // Any other refusal shows that the endpoint exists.
    if ([0, 404, 405].includes(reply.status)) missing.push(`${path} answers ${describe(reply)}`)
  }
  if (missing.length === 0) report.pass('origin-endpoints')
  else report.warn('origin-endpoints', missing.join('; '))
}
