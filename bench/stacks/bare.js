// node:http in front, undici's dispatch behind, and nothing between: streams both ways, with backpressure and aborts.
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { listen } from './listen.js'

const pool = new Pool(process.env.UPSTREAM, { pipelining: 1, bodyTimeout: 0, headersTimeout: 0 })
const hopByHop = new Set(['connection', 'keep-alive', 'host', 'authorization', 'transfer-encoding'])

listen(createServer, (req, res) => {
  const headers = []
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    if (!hopByHop.has(req.rawHeaders[at].toLowerCase()))
      headers.push(req.rawHeaders[at], req.rawHeaders[at + 1])
  }
  let controller
  pool.dispatch(
    { method: req.method, path: req.url, headers, body: req },
    {
      onRequestStart(started) {
        controller = started
        res.once('close', () => !res.writableEnded && controller.abort(new Error('the client has gone')))
        res.on('drain', () => controller.resume())
      },
      onResponseStart(_, status, answer) {
        const sent = []
        for (const name of Object.keys(answer)) if (!hopByHop.has(name)) sent.push(name, answer[name])
        res.writeHead(status, sent)
      },
      onResponseData(_, chunk) {
        if (!res.write(chunk)) controller.pause()
      },
      onResponseEnd() {
        res.end()
      },
      onResponseError() {
        if (res.headersSent) res.destroy()
        else res.writeHead(502).end()
      },
    },
  )
})
