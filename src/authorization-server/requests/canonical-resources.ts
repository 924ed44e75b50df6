import type { ResourceDirectory } from '../../core/protected-resource.ts'
import type { Note } from '../notes.ts'

/** Enough to see how it differs. */
const keptCharacters = 200

/**
 * Rewrites each resource that a request names in the form that tokens use, without duplicates, and notes the
 * first that the client wrote differently. A parameter without a value names none (RFC 6749 section 3.1).
 * Unknown resources are left for the library to refuse. Untrusted.
 */
export function canonicalResources(
  resources: ResourceDirectory,
  asked: readonly string[],
  note: Note,
): string[] {
  const named = asked.filter((value) => value !== '')
  const canonical = named.map((value) => {
    const known = resources.find(value)?.resource
    if (known !== undefined && known !== value) note.resourceAsked ??= value.slice(0, keptCharacters)
    return known ?? value
  })
  return [...new Set(canonical)]
}
