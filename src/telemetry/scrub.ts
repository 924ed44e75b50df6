const secrets = [
  /\beyJ[\w-]+\.[\w-]*\.?[\w-]*/g, // JWTs
  /\b(?:bearer|basic|dpop)\s+[\w.~+/=-]+/gi,
  /[\w-]{32,}/g, // codes, identifiers of sessions, opaque tokens
]

/** Removes from a free text everything that could be a token, a code or a secret. */
export function scrub(text: string): string {
  return secrets.reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[redacted]'), text)
}

/** Removes from a path every segment that could be a bearer artefact, such as the id of an interaction. */
export function scrubPath(path: string): string {
  return path.replaceAll(/[\w-]{20,}/g, (segment) => (/^[a-z-]+$/.test(segment) ? segment : '…'))
}
