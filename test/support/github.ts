import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listen } from './listen.ts'
import { challengeOf } from './oauth.ts'

/**
 * A stand-in for GitHub, as an Enterprise Server: its OAuth, and the part of its API that says who a user is.
 */
export interface TestGithub {
  readonly issuer: string
  /** The answers of the API, by path. */
  readonly api: Map<string, unknown>
  /** The errors that the API answers instead, by path. */
  readonly failures: Map<
    string,
    readonly [status: number, headers?: Record<string, string>, message?: string | undefined]
  >
  /** Does what the user's browser would: takes an authorization URL to the callback. */
  authorize(url: URL): URL
  /** Revokes what users allowed. */
  revoke(): void
  close(): Promise<void>
}

/** Starts it with one user, who is a member of one of its organisations and teams. */
export async function startGithub(): Promise<TestGithub> {
  const codes = new Map<string, URLSearchParams>()
  const tokens = new Set<string>()
  const api = new Map<string, unknown>([
    ['/user', { id: 583231, login: 'octocat', name: 'The Octocat', email: 'public@example.org' }],
    [
      '/user/emails',
      [
        { email: 'old@example.com', primary: false, verified: true },
        { email: 'octocat@example.com', primary: true, verified: true },
      ],
    ],
    ['/user/orgs', [{ login: 'my-company' }]],
    ['/user/teams', [{ slug: 'platform', organization: { login: 'my-company' } }]],
  ])
  const failures: TestGithub['failures'] = new Map()

  /** Answers 200 even if something is wrong, and as a form unless JSON is requested, like GitHub. */
  const redeem = async (req: IncomingMessage): Promise<string> => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const sent = new URLSearchParams(Buffer.concat(chunks).toString())
    const asked = codes.get(sent.get('code') ?? '')
    codes.delete(sent.get('code') ?? '')
    const isRight =
      asked?.get('code_challenge') === challengeOf(sent.get('code_verifier') ?? '') &&
      asked.get('redirect_uri') === sent.get('redirect_uri') &&
      sent.get('client_id') === 'Iv1.0' &&
      sent.get('client_secret') === 'github-secret'
    const token = `gho_${randomUUID()}`
    if (isRight) tokens.add(token)
    const answer = isRight
      ? { access_token: token, token_type: 'bearer', scope: asked.get('scope')?.replaceAll(' ', ',') ?? '' }
      : { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' }
    return req.headers.accept === 'application/json'
      ? JSON.stringify(answer)
      : new URLSearchParams(answer).toString()
  }
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://github')
    const path = pathname.replace(/^\/api\/v3/, '')
    res.setHeader('content-type', 'application/json; charset=utf-8')
    if (pathname === '/login/oauth/access_token') return void res.end(await redeem(req))
    const [, token = ''] = /^Bearer (.+)$/.exec(req.headers.authorization ?? '') ?? []
    const [status, headers = {}, message = 'no'] = failures.get(path) ?? [tokens.has(token) ? 200 : 401]
    const found = pageOf(api.get(path), searchParams)
    res.writeHead(status, headers).end(JSON.stringify(status === 200 ? found : { message }))
  }
  const server = createServer((req, res) => void serve(req, res))
  const listening = await listen(server)
  return {
    issuer: listening.url,
    api,
    failures,
    authorize(url) {
      const code = randomUUID()
      codes.set(code, url.searchParams)
      const callback = new URL(url.searchParams.get('redirect_uri') ?? '')
      callback.search = new URLSearchParams({ code, state: url.searchParams.get('state') ?? '' }).toString()
      return callback
    },
    revoke: () => tokens.clear(),
    close: listening.close,
  }
}

/** One page of a list: thirty entries of the first page by default; a hundred at most. */
function pageOf(found: unknown, asked: URLSearchParams): unknown {
  if (!Array.isArray(found)) return found
  const size = Math.min(Number(asked.get('per_page') ?? 30), 100)
  const skipped = (Number(asked.get('page') ?? 1) - 1) * size
  return found.slice(skipped, skipped + size)
}
