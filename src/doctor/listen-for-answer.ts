import { createServer } from 'node:http'
import { listen } from '../http/listen.ts'

/** A listener on this computer for one authorization response. */
export interface AnswerListener {
  readonly port: number
  /**
   * The first request to the path, or undefined if none came in time. Untrusted: anybody may have sent it.
   */
  answer(path: string, waitMs: number): Promise<URLSearchParams | undefined>
  close(): void
}

const page =
  'The answer has arrived. You can close this window; portcullis doctor continues in the terminal.\n'

/** Starts to listen on loopback. Port 0 takes any free one. Throws PortTaken. */
export async function listenForAnswer(port: number): Promise<AnswerListener> {
  let wanted: string | undefined
  let deliver: (answer: URLSearchParams) => void = () => undefined
  const server = createServer((req, res) => {
    // Not every request target is a URL, and any page in a browser can send one here.
    const url = URL.parse(req.url ?? '/', 'http://127.0.0.1')
    const isAnswer =
      url !== null &&
      req.method === 'GET' &&
      url.pathname === wanted &&
      (url.searchParams.has('code') || url.searchParams.has('error'))
    const headers = {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      Connection: 'close',
    }
    res.writeHead(isAnswer ? 200 : 404, headers).end(isAnswer ? page : 'Not found\n')
    if (isAnswer) deliver(url.searchParams)
  })
  const place = { name: 'answer of the sign-in', host: '127.0.0.1', port, fix: '--callback-port' }
  return {
    port: await listen(server, place),
    answer(path, waitMs) {
      wanted = path
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(undefined), waitMs)
        deliver = (answer) => {
          clearTimeout(timer)
          resolve(answer)
        }
      })
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
