import type { RequestEvent } from '../../src/telemetry/event.ts'

/** What is reported of an MCP request that was answered. Tests add what they look at. */
export const answeredRequest: RequestEvent = {
  kind: 'mcp',
  outcome: 'allowed',
  requestId: 'r',
  httpMethod: 'POST',
  path: '/mcp',
  status: 200,
  durationMs: 1,
  address: undefined,
}
