/**
 * Whether a text can be a header value as it is (RFC 9110 section 5.5): ASCII, without a leading or trailing
 * space.
 */
export function isHeaderValue(text: string): boolean {
  return /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
}

/** Whether a text can follow `Bearer`. Wider than RFC 6750 section 2.1, since real API keys are. */
export function isBearerToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

/** Headers that the gateway writes or passes on itself, and those that belong to the connection. */
const ofTheGateway =
  /^(?:host|accept|accept-.*|content-.*|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|mcp-.*|last-event-id|cookie|set-cookie|dpop|forwarded|via|x-forwarded-.*|x-real-ip|traceparent|tracestate|user-agent|origin)$/i

/** Why a header of this name cannot carry a credential for an MCP server, or undefined if it can. */
export function headerNameProblem(name: string): string | undefined {
  // RFC 9110 section 5.6.2.
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'must be the name of a header, such as X-Api-Key'
  return ofTheGateway.test(name) ? 'must be none of the headers that the gateway itself writes' : undefined
}
