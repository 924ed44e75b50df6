import type { ServerResponse } from 'node:http'
import { type Asked, answerTo, errorTo, markOf, progressOf } from './answers.ts'

const slowPieces = 5
const slowPieceMilliseconds = 300

/** Answers wrongly over HTTP if the request asks for that. Returns whether it did. */
export function misbehave({
  asked,
  user,
  res,
}: {
  readonly asked: Asked
  readonly user: string
  readonly res: ServerResponse
}): boolean {
  const fault = asked.params.arguments?.fault
  if (fault === undefined) return false
  const right = answerTo(asked, user)
  const json = (status: number, length: number): ServerResponse =>
    res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': length })
  const cutAfter = (text: string): boolean => res.write(text, () => res.req.socket.destroy())
  const first = `event: message\ndata: ${progressOf(asked, user, 1)}\n\n`
  const nonsense = markOf(asked, user, 'x')
  switch (fault) {
    case 'error': {
      const error = errorTo(asked, user)
      json(500, error.length).end(error)
      break
    }
    case 'cut before':
      res.req.socket.destroy()
      break
    case 'cut json':
      json(200, right.length)
      cutAfter(right.slice(0, right.length / 2))
      break
    case 'cut stream':
    case 'cut event':
      res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
      cutAfter(fault === 'cut stream' ? first : first.slice(0, -20))
      break
    case 'hang':
      break
    case 'garbage':
      res.req.socket.end(`${nonsense}\r\n\r\n`)
      break
    case 'html':
      res.writeHead(200, { 'Content-Type': 'text/html' }).end(`<p>${nonsense}</p>`)
      break
    case 'broken json': {
      const broken = `{"jsonrpc" ${nonsense}`
      json(200, broken.length).end(broken)
      break
    }
    case 'slow':
    case 'leave':
      trickle(json(200, right.length), right)
      break
    case 'noise':
    case 'crash':
      throw new Error(`no server of HTTP does that: ${fault}`)
  }
  return true
}

function trickle(res: ServerResponse, body: string): void {
  const size = Math.ceil(body.length / slowPieces)
  for (let piece = 0; piece < slowPieces; piece++) {
    const text = body.slice(piece * size, (piece + 1) * size)
    const isLast = piece === slowPieces - 1
    setTimeout(() => (isLast ? res.end(text) : res.write(text)), piece * slowPieceMilliseconds)
  }
}
