import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { normalisePassword } from './password-rules.ts'
import { takeTurns } from './turns.ts'

/** How expensive a hash is. */
interface Cost {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** Hashes passwords (Argon2id, RFC 9106), off the event loop. */
export interface Passwords {
  /** A new hash as a PHC string. Throws Busy. */
  hash(password: string): Promise<string>
  /** Without a hash it takes the same time and returns false. Both are untrusted. Throws Busy. */
  verify(password: string, stored: string | undefined): Promise<boolean>
  /** Whether a hash was made with less work than new ones. */
  isWeak(stored: string): boolean
}

/** The minimum that the OWASP Password Storage Cheat Sheet requires. */
const owaspCost: Cost = { memory: 19_456, passes: 2, parallelism: 1 }
/** More than new hashes will ever need: a stored text must not determine how much memory is used. */
const mostMemory = 262_144
/** Hashing may use half of the threads that Node also reads files with, and 38 MiB. */
const running = 2
const waiting = 32
const saltBytes = 16
const hashBytes = 32

const phc =
  /^\$argon2id\$v=19\$m=(?<memory>\d{1,7}),t=(?<passes>\d{1,3}),p=(?<parallelism>\d{1,3})\$(?<salt>[A-Za-z0-9+/]{11,86})\$(?<hash>[A-Za-z0-9+/]{22,86})$/

const derive = promisify(argon2)

/**
 * Passwords under a key that is not in the store, so that a stolen store does not even allow guessing. `cost`
 * is for new hashes; old ones are verified with the parameters that they contain.
 */
export function passwords(key: Uint8Array, cost: Cost = owaspCost): Passwords {
  const inTurn = takeTurns(running, waiting)
  const work = (password: string, salt: Buffer, { memory, passes, parallelism }: Cost, bytes: number) => {
    const parameters: Argon2Parameters = {
      message: normalisePassword(password),
      nonce: salt,
      memory,
      passes,
      parallelism,
      tagLength: bytes,
      secret: key,
    }
    return inTurn(() => derive('argon2id', parameters))
  }
  const nobody = Buffer.alloc(saltBytes)

  return {
    async hash(password) {
      const salt = randomBytes(saltBytes)
      const hash = await work(password, salt, cost, hashBytes)
      const { memory, passes, parallelism } = cost
      return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`
    },
    async verify(password, stored) {
      const parsed = stored === undefined ? undefined : parse(stored)
      if (parsed === undefined) {
        await work(password, nobody, cost, hashBytes)
        return false
      }
      const hash = await work(password, parsed.salt, parsed.cost, parsed.hash.length)
      return timingSafeEqual(hash, parsed.hash)
    },
    isWeak(stored) {
      const found = parse(stored)?.cost
      return found === undefined || found.memory < cost.memory || found.passes < cost.passes
    },
  }
}

function parse(stored: string): { cost: Cost; salt: Buffer; hash: Buffer } | undefined {
  const groups = phc.exec(stored)?.groups
  if (groups === undefined || Number(groups['memory']) > mostMemory) return undefined
  return {
    cost: {
      memory: Number(groups['memory']),
      passes: Number(groups['passes']),
      parallelism: Number(groups['parallelism']),
    },
    salt: Buffer.from(groups['salt'] ?? '', 'base64'),
    hash: Buffer.from(groups['hash'] ?? '', 'base64'),
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
