import type { ResourceDirectory } from '../core/protected-resource.ts'
import type { Note } from './notes.ts'

/** Enough to see what is different about it. */
const keptCharacters = 200

/**
 * Writes each resource that a request names as tokens do, once, and notes the first that the client writes otherwise.
 * A parameter without a value names none (RFC 6749 section 3.1). What is none of ours is left for the library to refuse.
 * Untrusted.
 */
export function canonicalResources(
  resources: ResourceDirectory,
  asked: readonly string[],
  note: Note,
): string[] {
  const named = asked.filter((value) => value !== '')
  const canonical = named.map((value) => {
    const known = resources.find(value)?.resource
    if (known !== undefined && known !== value) note.asked ??= value.slice(0, keptCharacters)
    return known ?? value
  })
  return [...new Set(canonical)]
}
