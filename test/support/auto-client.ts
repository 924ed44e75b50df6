import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

/**
 * Connects a client of the SDK that detects the era, and returns what it asked and whether it is connected.
 */
export async function connectAuto(
  url: string,
  token: string,
): Promise<{ readonly asked: readonly string[]; readonly isConnected: boolean }> {
  const asked: string[] = []
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: (target, init) => {
      if (typeof init?.body === 'string') asked.push((JSON.parse(init.body) as { method: string }).method)
      return fetch(target, init)
    },
  })
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const isConnected = await client.connect(transport).then(
    () => true,
    () => false,
  )
  await client.close()
  return { asked, isConnected }
}
