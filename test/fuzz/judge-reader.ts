import { isDeepStrictEqual } from 'node:util'
import { Refusal } from '../../src/core/errors.ts'
import { JsonRefused, parseStrictJson } from '../../src/mcp/json.ts'
import { payload, readMessage } from '../../src/mcp/message.ts'
import { parsePlainly } from './plain-json.ts'

const depth = 8
const refused = Symbol('refused')

/**
 * Reads a text as a request's body is read, as it is read plainly, and with JSON.parse. Returns what is wrong, or
 * undefined: what JSON.parse refuses is refused; what is read means the same to all three.
 */
export function judgeReader(text: string): string | undefined {
  const plain = attempt(() => parsePlainly(text, depth))
  const whole = attempt(() => parseStrictJson(text, depth))
  const sparse = attempt(() => parseStrictJson(text, depth, payload))
  const lax = attempt(() => JSON.parse(text) as unknown)
  if ((plain === refused) !== (whole === refused)) return 'not as strict as the plain reader'
  if ((whole === refused) !== (sparse === refused)) return 'what is left out is not read as strictly'
  if (whole === refused) return undefined
  if (lax === refused) return 'laxer than JSON.parse'
  if (!isDeepStrictEqual(whole, plain)) return 'another value than that of the plain reader'
  if (JSON.stringify(whole) !== JSON.stringify(lax)) return 'another value than that of JSON.parse'
  if (!isDeepStrictEqual(meaning(whole), meaning(sparse)))
    return 'another message where something is left out'
  return undefined
}

function attempt(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (error instanceof JsonRefused || error instanceof SyntaxError) return refused
    throw error
  }
}

/** What the gateway finds in a value, without what it never looks at. */
function meaning(value: unknown): unknown {
  return [value].flat().map((one: unknown) => {
    try {
      const message = readMessage(one)
      if (message.kind === 'response') return message
      const { arguments: _arguments, ...params } = message.params
      return { ...message, params, hasArguments: 'arguments' in message.params }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return [error.code, error.message, error.detail.id]
    }
  })
}
