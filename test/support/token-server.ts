import type { ServerResponse } from 'node:http'
import { type SeenRequest, startSpyUpstream } from './spy-upstream.ts'

/** A third party's token server that remembers its requests and issues a new token each time. */
export interface TokenServer {
  readonly url: string
  readonly seen: readonly SeenRequest[]
  /** The parameters of each request. */
  readonly asked: () => Record<string, string>[]
  /** Changes the answer from now on. */
  answerWith(answer: (request: SeenRequest, res: ServerResponse) => unknown): void
  /** Issues tokens again: `<what>-1`, `<what>-2` and so on, with these additional members. */
  giveTokens(members?: object): void
  close(): Promise<void>
}

/** A lifetime that no test waits for. */
const lifetime = { token_type: 'Bearer', expires_in: 3600 }

/** Starts the token server. `what` names its tokens, so that they can be searched for. */
export async function startTokenServer(what = 'given-token'): Promise<TokenServer> {
  const spy = await startSpyUpstream()
  let given = 0
  const server: TokenServer = {
    url: spy.url.replace('/mcp', '/token?tenant=a'),
    seen: spy.seen,
    asked: () => spy.seen.map(({ body }) => Object.fromEntries(new URLSearchParams(body))),
    answerWith: (answer) => spy.answerWith(answer),
    giveTokens(members = {}) {
      spy.answerWith((_request, res) => {
        const answer = { access_token: `${what}-${++given}`, ...lifetime, ...members }
        res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      })
    },
    close: () => spy.close(),
  }
  server.giveTokens()
  return server
}
