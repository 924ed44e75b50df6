/** Counts the ends of server-sent events in a text that arrives in pieces, even if one spans two of them. */
export async function countEvents(pieces: AsyncIterable<string>): Promise<number> {
  let events = 0
  let halfEnded = false
  for await (const piece of pieces) {
    const text: string = halfEnded ? `\n${piece}` : piece
    let end = 0
    for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n', end)) {
      events++
      end = at + 2
    }
    halfEnded = end < text.length && text.endsWith('\n')
  }
  return events
}
