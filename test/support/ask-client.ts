import { type GatedSpy, legacyRequest } from './gated-spy.ts'

/** A request of the server as its client received it. */
export interface Asked {
  readonly id: string
  readonly progressToken: string
}

/** Makes the server ask its client something during a call; the server's own id is 5, and so is the token. */
export async function askClient(
  gate: Pick<GatedSpy, 'spy' | 'post'>,
  { token, headers = {} }: { readonly token: string; readonly headers?: Record<string, string> },
): Promise<Asked> {
  const asked = { id: 5, method: 'elicitation/create', params: { _meta: { progressToken: 5 } } }
  const { answer } = gate.spy
  gate.spy.answerWith((_request, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const messages = [asked, { id: 7, result: {} }].map((message) => ({ jsonrpc: '2.0', ...message }))
    res.end(messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(''))
  })
  const { text } = await gate.post(legacyRequest('tools/call', { name: 'a' }), { token, headers })
  gate.spy.answerWith(answer)
  const [, data = ''] = /^data: (.+)$/m.exec(text) ?? []
  const { id, params } = JSON.parse(data) as {
    id: string
    params: { [meta: string]: { progressToken: string } }
  }
  return { id, progressToken: params['_meta']?.progressToken ?? '' }
}
