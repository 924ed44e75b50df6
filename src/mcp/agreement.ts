import { Refusal } from '../core/errors.ts'
import { decodeHeaderValue } from './headers.ts'
import { type Message, requestIdOf } from './message.ts'
import type { MethodRow } from './methods.ts'
import type { Era } from './revisions.ts'

/** The headers that repeat parts of the body (MCP 2026-07-28, transports, "Standard Request Headers"). */
export interface MirrorHeaders {
  readonly mcpMethod: string | undefined
  readonly mcpName: string | undefined
}

/**
 * Checks that the mirrored headers agree with the body:
 * - modern requests must send `Mcp-Method`, and `Mcp-Name` if the method has a name;
 * - if they are sent, in any era and also on notifications, they must be right.
 * Throws `header_mismatch`. Both inputs are untrusted.
 */
export function checkMethodHeader(message: Message, headers: MirrorHeaders, era: Era): void {
  if (message.kind === 'response') return
  if (headers.mcpMethod === undefined) {
    if (era === 'modern' && message.kind === 'request') throw mismatch(message, 'Mcp-Method')
    return
  }
  if (headers.mcpMethod !== message.method) throw mismatch(message, 'Mcp-Method')
}

/** The part of the check that needs to know the method: its name, uri or task. Throws `header_mismatch`. */
export function checkNameHeader(message: Message, row: MethodRow, headers: MirrorHeaders, era: Era): void {
  if (message.kind === 'response') return
  if (row.nameParam === undefined) {
    if (headers.mcpName !== undefined && era === 'modern') throw mismatch(message, 'Mcp-Name')
    return
  }
  if (headers.mcpName === undefined) {
    if (era === 'modern') throw mismatch(message, 'Mcp-Name')
    return
  }
  if (decodeHeaderValue(headers.mcpName) !== message.params[row.nameParam])
    throw mismatch(message, 'Mcp-Name')
}

function mismatch(message: Message, header: string): Refusal {
  return new Refusal('header_mismatch', { explain: header, id: requestIdOf(message) })
}
