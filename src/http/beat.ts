/**
 * Some proxies withhold the head of a stream until something follows it (nginx over HTTP/2), and some clients do
 * nothing else until they have it.
 */
const firstMilliseconds = 300

/** Calls `show` soon after a stream has begun, and then every `milliseconds`. Returns what stops it. */
export function beat(show: () => void, milliseconds: number): () => void {
  let timer = setTimeout(() => {
    timer = setInterval(show, milliseconds).unref()
    show()
  }, firstMilliseconds).unref()
  return () => clearTimeout(timer)
}
