const secrets = [
  /(?<![\w-])eyJ[\w-]+\.[\w-]*\.?[\w-]*/g, // JWTs
  /\b(?:bearer|basic|dpop)\s+(?!(?:proof|nonce|key)(?![\w.~+/=-]))[\w.~+/=-]+/gi, // a “DPoP proof” is none
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g, // the password in a URL
  // First what is cheap to tell: looking back over a run of spaces from each of them would take quadratic time.
  /(?=[^\s"',;&])(?<=(?:password|passwd|secret|token|api[_-]?key|access[_-]?key)["']?\s*[=:]\s*["']?)[^\s"',;&]+/gi,
  /[\w-]{32,}/g, // codes, session ids, opaque tokens
]

/**
 * Usually the name of a tool: each of `secrets` requires a character that is not in here, or a longer text.
 */
const plainName = /^[\w-]{0,31}$/

const maxLength = 4096
const maxPathLength = 200
/** A shorter segment is not an artifact. */
const longSegment = 20

/**
 * Removes from a free text everything that could be a token, a code or a secret, and everything that is
 * `known` to be one, and truncates it to 4,096 characters.
 */
export function scrub(text: string, known: readonly string[] = []): string {
  const without = known.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[redacted]'), text)
  const short = without.length > maxLength ? `${without.slice(0, maxLength)}…` : without
  if (plainName.test(short)) return short
  return secrets.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[redacted]'), short)
}

/** Removes from a path every segment that could be a bearer artifact, and truncates it to 200 characters. */
export function scrubPath(path: string): string {
  if (path.length < longSegment) return path
  return path
    .slice(0, maxPathLength)
    .replaceAll(/[\w-]{20,}/g, (segment) => (/^[a-z_-]+$/.test(segment) ? segment : '…'))
}
