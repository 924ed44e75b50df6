import type { Messages } from './era-calls.ts'
import { legacyRequest } from './gated-spy.ts'

/** Asks the server of test/fixtures/stdio-legacy.ts which process it is. */
export const who = legacyRequest('tools/call', { name: 'who', arguments: {} })

/** The process id in its answer. */
export function pidOf({ messages }: Messages): number {
  const content = messages.find(({ result }) => result !== undefined)?.result?.['content']
  return (JSON.parse((content as { text: string }[])[0]?.text ?? '{}') as { pid: number }).pid
}
