import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, isIPv6 } from 'node:net'
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { addTools } from './calculator.ts'
import { createLibrary } from './documents.ts'
import { identityCheck } from './identity.ts'
import { addPrompts } from './prompts.ts'

/** The running demo MCP server. */
export interface DemoServer {
  readonly url: string
  close(): Promise<void>
}

interface DemoOptions {
  readonly host: string
  readonly port: number
  /** Who vouches for requests. */
  readonly gateway: { readonly issuer: string; readonly jwksUrl: string }
}

const path = '/mcp'

/**
 * Starts a small MCP server for both eras: ten tools, four resources, four prompts. It serves only what the
 * gateway vouches for; all other requests get a 401. Rejects with the system's error if the port is taken.
 */
export async function startDemoServer({ host, port, gateway }: DemoOptions): Promise<DemoServer> {
  const library = await createLibrary()
  const mcp = createMcpHandler(() => {
    const server = new McpServer({ name: 'portcullis-demo', version: '1.0.0' })
    addTools(server)
    library.addTo(server)
    addPrompts(server)
    return server
  })
  const handle = toNodeHandler(mcp)
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, resolve)
  }).catch(async (error: unknown) => {
    await library.remove()
    throw error
  })
  const { port: bound } = server.address() as AddressInfo
  const url = `http://${isIPv6(host) ? `[${host}]` : host}:${bound}${path}`
  const check = identityCheck({ ...gateway, audience: url })

  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.url !== path) return answer(res, 404, 'Not found')
    const auth = await check(req)
    if (auth === undefined) return answer(res, 401, 'This server is reached through the gateway only')
    await handle(Object.assign(req, { auth }) as NodeIncomingMessageLike, res)
  }
  server.on('request', (req, res) => {
    serve(req, res).catch((error: Error) =>
      res.headersSent ? res.destroy() : answer(res, 500, error.message),
    )
  })

  return {
    url,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await mcp.close()
      server.closeAllConnections()
      await closed
      await library.remove()
    },
  }
}

function answer(res: ServerResponse, status: number, error: string): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error }))
}
