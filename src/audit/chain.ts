import { hash } from 'node:crypto'
import { randomToken } from '../core/secret.ts'
import { schemaVersion } from './event.ts'

/** A place in a chain: an event by its number, with the hash of its line. */
export interface Place {
  readonly chain: string
  readonly seq: number
  readonly hash: string
}

/** The `prev` of the first event of a chain. */
export const noHash = ''

/** SHA-256 of a line without its line break, in base64url: the `prev` of the next event of the chain. */
export function hashLine(line: string): string {
  return hash('sha256', line, 'base64url')
}

/** The chain of one process. Nobody else adds to it, so it needs no lock. */
export interface Chain {
  /** The last place: `seq` is -1 before the first event. */
  readonly head: Place
  /**
   * Makes the line of an event, without a line break, from its members as JSON text: `{…}` with at least one
   * member.
   */
  next(members: string): string
  /** The same, for a line that ends with something computed from everything before it. */
  nextSealed(members: string, seal: (unsealed: string) => string): string
}

/** Begins a chain. */
export function beginChain(): Chain {
  const id = randomToken(9)
  const opening = `{"v":${schemaVersion},"chain":"${id}","seq":`
  let seq = -1
  let last = noHash
  const open = (members: string): string => {
    seq++
    return `${opening}${seq},"prev":"${last}",${members.slice(1)}`
  }
  const close = (line: string): string => {
    last = hashLine(line)
    return line
  }
  return {
    get head() {
      return { chain: id, seq, hash: last }
    },
    next: (members) => close(open(members)),
    nextSealed: (members, seal) => close(seal(open(members))),
  }
}
