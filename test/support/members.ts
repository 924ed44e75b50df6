const tokenPattern = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** One member of a JSON object as it is written. */
export interface WrittenMember {
  readonly key: unknown
  /** The first token of its value. */
  readonly value: string
}

/**
 * Every member of the object at a path of keys, by its tokens, however often its key occurs, so not as any
 * parser would choose. The empty path is the outermost object.
 */
export function membersAt(text: string, path: readonly string[] = []): WrittenMember[] {
  const tokens = text.match(tokenPattern) ?? []
  const members: WrittenMember[] = []
  /** The keys that lead to the current place; undefined for an item of a list, or the document itself. */
  const place: unknown[] = []
  let key: unknown
  for (const [index, part] of tokens.entries()) {
    if (tokens[index + 1] === ':' && part.startsWith('"')) {
      key = JSON.parse(part)
      const at = place.slice(1)
      if (at.length === path.length && at.every((step, depth) => step === path[depth]))
        members.push({ key, value: tokens[index + 2] ?? '' })
    }
    if (part === '{' || part === '[') {
      place.push(key)
      key = undefined
    }
    if (part === '}' || part === ']') {
      place.pop()
      key = undefined
    }
  }
  return members
}
