import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { challengeOf } from './oauth.ts'

/** A stand-in for GitHub, as an Enterprise Server: its OAuth and what of its API says who somebody is. */
export interface TestGithub {
  readonly issuer: string
  /** What the API answers, by its path. */
  readonly api: Map<string, unknown>
  /** What it answers in place of that: status and headers. */
  readonly failures: Map<string, readonly [status: number, headers?: Record<string, string>]>
  /** Does what the person's browser would: takes an authorization URL to the callback. */
  authorize(url: URL): URL
  /** Takes back what people allowed. */
  revoke(): void
  close(): Promise<void>
}

/** Starts it with one person, who is in an organisation and a team of it. */
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

  /** Answers 200 whatever is wrong, and forms where nobody asks for JSON, as GitHub does. */
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
    const [status, headers = {}] = failures.get(path) ?? [tokens.has(token) ? 200 : 401]
    const found = pageOf(api.get(path), searchParams)
    res.writeHead(status, headers).end(JSON.stringify(status === 200 ? found : { message: 'no' }))
  }
  const server = createServer((req, res) => void serve(req, res))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
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
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What of a list is on a page: thirty entries of the first one, unless another is asked for; a hundred at most. */
function pageOf(found: unknown, asked: URLSearchParams): unknown {
  if (!Array.isArray(found)) return found
  const size = Math.min(Number(asked.get('per_page') ?? 30), 100)
  const skipped = (Number(asked.get('page') ?? 1) - 1) * size
  return found.slice(skipped, skipped + size)
}
