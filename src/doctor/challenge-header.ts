/** A Bearer challenge. Attribute names are in lower case. */
export type BearerChallenge = ReadonlyMap<string, string>

const token = /[!#$%&'*+.^_`|~\w-]+/y
const separators = /[\s,]*/y
const value = /\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y

/**
 * Finds the Bearer challenge in a `WWW-Authenticate` value, which may contain several challenges (RFC 9110
 * section 11.6.1). Of a repeated attribute, the first one counts. The input is untrusted.
 */
export function parseBearerChallenge(header: string | undefined): BearerChallenge | undefined {
  let found: Map<string, string> | undefined
  let isBearer = false
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(header ?? '')
    if (match !== null) at = pattern.lastIndex
    return match
  }
  for (;;) {
    take(separators)
    const name = take(token)?.[0].toLowerCase()
    if (name === undefined) return found
    const given = take(value)
    if (given === null) {
      isBearer = name === 'bearer'
      if (isBearer) found ??= new Map()
    } else if (isBearer && found !== undefined && !found.has(name)) {
      found.set(name, given[1]?.replaceAll(/\\(.)/g, '$1') ?? (given[2] as string))
    }
  }
}
