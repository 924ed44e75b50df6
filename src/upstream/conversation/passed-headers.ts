/**
 * Headers that belong to the client's own HTTP request; a message that is carried in another way gets its
 * own.
 */
const ofTheRequest = /^(?:accept|content-.*|mcp-.*|last-event-id)$/i

/** The headers of a request that go with its message however it is carried. Alternating names and values. */
export function passedHeaders(headers: readonly string[]): string[] {
  const passed: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    if (!ofTheRequest.test(name)) passed.push(name, headers[index + 1] as string)
  }
  return passed
}
