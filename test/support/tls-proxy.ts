import { request } from 'node:http'
import { createServer } from 'node:https'
import { trustedCertificate } from './local-tls.ts'

/** What passed through the proxy, as the client saw it. */
export interface Passed {
  readonly path: string
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** A proxy that terminates TLS in front of a gateway. */
export interface TlsProxy {
  readonly url: string
  readonly passed: readonly Passed[]
  close(): Promise<void>
}

interface ProxyOptions {
  /** The port of the proxy, at `localhost`. */
  readonly port: number
  /**
   * The port of the gateway, or where each path goes; a path that goes nowhere gets the page of another
   * application.
   */
  readonly to: number | ((path: string) => { readonly port: number; readonly path: string } | undefined)
  /** What the proxy puts into each request, replacing what the client sent there. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Starts a proxy that forwards `Host`, and paths unless told otherwise; this process trusts its certificate.
 */
export async function startTlsProxy({ port, to, headers: added }: ProxyOptions): Promise<TlsProxy> {
  const passed: Passed[] = []
  const server = createServer(trustedCertificate(), (req, res) => {
    const { method, url: path = '' } = req
    const target = typeof to === 'number' ? { port: to, path } : to(path)
    if (target === undefined) {
      res.writeHead(404, { 'content-type': 'text/html' }).end('<!doctype html><p>another application')
      return
    }
    const options = { ...target, method, headers: { ...req.headers, ...added } }
    const onward = request({ host: '127.0.0.1', ...options }, (answer) => {
      const { statusCode: status = 0, rawHeaders } = answer
      const headers = new Headers()
      for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
        headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '')
      }
      let body = ''
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()))
      answer.on('close', () => passed.push({ path, status, headers, body }))
      res.writeHead(status, rawHeaders)
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    res.on('close', () => onward.destroy())
    req.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `https://localhost:${port}`,
    passed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
