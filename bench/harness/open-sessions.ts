import assert from 'node:assert/strict'
import type { Gate } from './gate.ts'
import { initialize } from './messages.ts'
import { readText, send } from './send.ts'

const opened = new WeakMap<Gate, Map<string, string>>()

/**
 * Opens a session through a gate for each token that has none yet; returns tokens followed by a space and
 * their session.
 */
export async function openSessions(gate: Gate, tokens: readonly string[]): Promise<readonly string[]> {
  const known = opened.get(gate) ?? new Map<string, string>()
  opened.set(gate, known)
  for (const token of tokens) {
    if (known.has(token)) continue
    const answer = await send(gate.url, initialize(), { token })
    await readText(answer)
    assert.equal(answer.statusCode, 200, `${gate.stack.name} opens no session`)
    known.set(token, String(answer.headers['mcp-session-id']))
  }
  return tokens.map((token) => `${token} ${known.get(token)}`)
}
