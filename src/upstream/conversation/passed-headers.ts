/** Headers that belong to the client's own HTTP request: a message that is carried otherwise gets its own. */
const ofTheRequest = /^(?:accept|content-.*|mcp-.*|last-event-id)$/i

/** What of a request's headers goes with its message wherever that goes. Names and values, alternating. */
export function passedHeaders(headers: readonly string[]): string[] {
  const passed: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    if (!ofTheRequest.test(name)) passed.push(name, headers[index + 1] as string)
  }
  return passed
}
