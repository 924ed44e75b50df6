/** The MCP server of the benchmark: reads the body and answers at once. `node bench/upstream.ts PORT` */
import { createServer } from 'node:http'

const result = { content: [{ type: 'text', text: 'x'.repeat(200) }] }

createServer((req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const { id } = JSON.parse(Buffer.concat(chunks).toString()) as { id: number }
    const body = JSON.stringify({ jsonrpc: '2.0', id, result })
    res
      .writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
      .end(body)
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
