import assert from 'node:assert/strict'
import { lastAnswering } from '../support/nginx.ts'
import type { Scene } from './scene.ts'

const hello = {
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'cluster', version: '1' },
  },
}
const patienceMilliseconds = 10_000

async function openSession(scene: Scene, token: string): Promise<string> {
  const answer = await scene.post(scene.cluster.sessionsUrl, token, hello)
  const session = answer.headers.get('mcp-session-id')
  assert.ok(answer.status === 200 && session !== null, await answer.text())
  return session
}

/** A session as its client knows it, and what the server has said in it so far. */
export interface LegacySession {
  readonly token: string
  readonly id: string | undefined
  readonly text: string | undefined
}

/**
 * Calls within one session, at all replicas at once, until one is killed, and once more: all calls end well, in that
 * session, which is opened unless it was in an earlier round.
 */
export async function callInSession(scene: Scene, session: LegacySession): Promise<LegacySession> {
  const { token } = session
  const id = session.id ?? (await openSession(scene, token))
  const opened = scene.cluster.sessions.opened()
  const call = async (): Promise<string> => {
    const body = { method: 'tools/call', params: { name: 'slow' } }
    const answer = await scene.post(scene.cluster.sessionsUrl, token, body, id)
    const text = await answer.text()
    assert.equal(answer.status, 200, text)
    return text
  }
  const first = session.text ?? (await call())
  const callUntilKilled = async (): Promise<void> => {
    for (let isLast = false; !isLast; ) {
      isLast = scene.isOver()
      assert.equal(await call(), first)
    }
  }
  const callers = scene.cluster.addresses.map(callUntilKilled)
  await Promise.all([...callers, scene.kill()])
  assert.equal(scene.cluster.sessions.opened(), opened, 'the session was opened again')
  return { token, id, text: first }
}

interface Stream {
  readonly address: string
  readonly ended: () => boolean
  /** Resolves at the next message. Throws when none comes. */
  hear(): Promise<void>
  close(): Promise<void>
}

/** Opens streams at all replicas, of which one is killed: its stream ends, is opened again elsewhere, and no other ends. */
export async function hearOnStreams(scene: Scene, token: string): Promise<void> {
  const session = await openSession(scene, token)
  const open = (): Promise<Stream> => openStream(scene, token, session)
  const streams: Stream[] = []
  for (const _ of scene.cluster.addresses) streams.push(await open())
  try {
    assert.ok(
      streams.some(({ address }) => address === scene.address),
      'the replica has none of the streams',
    )
    await Promise.all(streams.map((stream) => stream.hear()))
    await scene.kill()
    for (const [index, stream] of streams.entries()) {
      if (stream.address === scene.address) {
        await assert.rejects(stream.hear(), 'the stream of the killed replica goes on')
        scene.noteBroken()
        streams[index] = await open()
      }
      await (streams[index] as Stream).hear()
      assert.ok(!(streams[index] as Stream).ended())
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.close()))
  }
}

async function openStream({ cluster, patient }: Scene, token: string, session: string): Promise<Stream> {
  const stop = new AbortController()
  const answer = await patient.send(cluster.sessionsUrl, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
      'mcp-session-id': session,
      'mcp-protocol-version': '2025-11-25',
    },
    signal: stop.signal,
  })
  assert.equal(answer.status, 200)
  const heard = { messages: 0 }
  let ended = false
  const reading = (async () => {
    for await (const chunk of answer.body as ReadableStream<Uint8Array>)
      if (Buffer.from(chunk).includes('notifications/message')) heard.messages++
  })()
    .catch(() => undefined) // it was broken off
    .finally(() => {
      ended = true
    })
  return {
    address: lastAnswering(answer.headers),
    ended: () => ended,
    async hear() {
      const before = heard.messages
      const end = Date.now() + patienceMilliseconds
      while (heard.messages === before) {
        if (ended || Date.now() > end) throw new Error('nothing is heard on a stream')
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    async close() {
      stop.abort()
      await reading
    },
  }
}
