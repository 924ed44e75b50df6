import type { TestContext } from 'node:test'
import { type CountingListener, countingListener } from './counting-listener.ts'
import { trustedCertificate } from './local-tls.ts'

/** The answer of a host at one path. */
export interface HostedAnswer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
  /** Is silent until this resolves. */
  readonly until?: Promise<void>
}

/** An https server on loopback whose documents are written by a test. */
export interface DocumentHost extends CountingListener {
  /** The URL of a path, which is also the client id of a document there. */
  url(path: string): string
  /** Puts a metadata document at a path; members given as undefined are left out. Returns its client id. */
  publish(path: string, members?: object, answer?: HostedAnswer): string
  /** Puts anything at a path. */
  answer(path: string, answer: HostedAnswer): string
  /** How often a path was requested. */
  requests(path: string): number
}

/** Until the test is over, fetches wait for a host for as long as it is held up, and have no time limit. */
export function letFetchesWait(test: TestContext): void {
  test.mock.method(AbortSignal, 'timeout', () => new AbortController().signal)
}

/** The redirect URI of the client in the documents of the tests; any port is allowed. */
export const documentRedirect = 'http://localhost/callback'

/** Starts a host of documents. */
export async function startDocumentHost(): Promise<DocumentHost> {
  const answers = new Map<string, HostedAnswer>()
  const asked = new Map<string, number>()
  const listener = await countingListener({
    tls: trustedCertificate(),
    answer(req, res) {
      const path = req.url ?? ''
      asked.set(path, (asked.get(path) ?? 0) + 1)
      const { status = 200, headers = {}, body = '', until } = answers.get(path) ?? { status: 404 }
      const say = (): void => void res.writeHead(status, headers).end(body)
      if (until === undefined) say()
      else void until.then(say)
    },
  })
  const url = (path: string): string => `https://localhost:${listener.port}${path}`
  const answer = (path: string, given: HostedAnswer): string => {
    answers.set(path, given)
    return url(path)
  }
  return {
    ...listener,
    url,
    answer,
    publish(path, members = {}, given = {}) {
      const document = { client_id: url(path), client_name: 'A program', redirect_uris: [documentRedirect] }
      return answer(path, { ...given, body: JSON.stringify({ ...document, ...members }) })
    },
    requests: (path) => asked.get(path) ?? 0,
  }
}
