import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Gate } from './gate.ts'
import { replyBytes, toolCall } from './messages.ts'
import { readText, send } from './send.ts'

const call = toolCall({ bytes: 231 })
const patienceMilliseconds = 60_000

/**
 * Waits until a gate answers, and checks that it does its work: the answer of the server arrives complete,
 * and a gate refuses a missing or forged token, even if it comes again. Throws if it does not.
 */
export async function checkAnswers({ stack, url, process }: Gate, token: string): Promise<void> {
  await untilAnswered(url, token, process.alive)
  const answer = await send(url, call, { token })
  const text = await readText(answer)
  assert.equal(answer.statusCode, 200)
  assert.equal(Buffer.byteLength(text), replyBytes)
  assert.equal((JSON.parse(text) as { id: number }).id, 1)
  if (!stack.gate) return
  for (const bad of ['', forge(token), forge(token)]) {
    const refusal = await send(url, call, { token: bad })
    await readText(refusal)
    assert.equal(
      refusal.statusCode,
      401,
      `answers ${refusal.statusCode} to ${bad === '' ? 'no' : 'a forged'} token`,
    )
  }
}

/** Resolves when a call is answered with 200. */
export async function untilAnswered(
  url: string,
  token: string,
  alive: () => boolean,
  everyMilliseconds = 50,
): Promise<void> {
  const end = performance.now() + patienceMilliseconds
  while (performance.now() < end && alive()) {
    const answer = await send(url, call, { token }).catch(() => undefined)
    if (answer !== undefined) await readText(answer)
    if (answer?.statusCode === 200) return
    await pause(everyMilliseconds)
  }
  throw new Error('does not answer')
}

/** The token with another signature. */
function forge(token: string): string {
  const [head, payload, signature = ''] = token.split('.')
  return [head, payload, (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)].join('.')
}
