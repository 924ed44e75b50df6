import type { Ask } from '../ask.ts'
import { codeOf, isDocument, type Reply } from '../reply.ts'

/**
 * Finds out whether a document is missing at its well-known address because a proxy in front forwards the
 * path of a server but not the well-known addresses about it (RFC 8414 section 3.1, RFC 9728 section 3.1):
 * many servers also serve it below their path. Returns the fix, or undefined.
 */
export async function findBehindProxy(ask: Ask, missing: string): Promise<string | undefined> {
  const { origin, pathname } = new URL(missing)
  const [, document, path] = /^(\/\.well-known\/[^/]+)(\/.+)$/.exec(pathname) ?? []
  if (document === undefined || path === undefined) return undefined
  const appended = origin + path + document
  if (!isDocument(await ask(appended, { headers: { accept: 'application/json' } }))) return undefined
  const first = path.split('/')[1] ?? ''
  return `The server has the document, at ${appended}, so a proxy in front does not forward this address: have it forward, unchanged, paths that begin with \`/.well-known/\` and continue with \`/${first}\` (nginx: \`location ~ ^(/\\.well-known/[^/]+)?/${first}(/|$)\` with a \`proxy_pass\` without a path).`
}

/**
 * The fix for a request that lost the prefix of its path on the way, if the server says so; undefined
 * otherwise.
 */
export function findLostPrefix(reply: Reply): string | undefined {
  return codeOf(reply) === 'path_outside'
    ? 'Have the proxy in front forward paths unchanged: it strips the prefix, or the URL lacks it (nginx: `proxy_pass` without a path or trailing slash).'
    : undefined
}
