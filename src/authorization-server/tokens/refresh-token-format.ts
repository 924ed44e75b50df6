import { digestsEqual, keyedDigest, type MasterSecret } from '../../core/secret.ts'

/** Identifies a refresh token: its grant, and how many came before it. */
export interface RefreshTokenName {
  /** The library's id for the grant: a secret of the store. */
  readonly grantId: string
  readonly serial: number
}

/** Writes refresh tokens, and reads what clients present. */
export interface RefreshTokenFormat {
  write(name: RefreshTokenName): string
  /** Undefined for anything that was not written here: untrusted input is fine. */
  read(token: string): RefreshTokenName | undefined
}

const serialLetters = 7
const macLetters = 43

/**
 * Refresh tokens that say which grant they belong to and how many came before them, authenticated with a key
 * of the tenant (HMAC-SHA-256). So a store need not keep them: it cannot leak one, recognizes one that was
 * used long ago, and each process can derive the successor of each.
 */
export function refreshTokenFormat(secret: MasterSecret): RefreshTokenFormat {
  const mac = keyedDigest(secret.derive('refresh-token'))
  return {
    write({ grantId, serial }) {
      const name = serial.toString(36).padStart(serialLetters, '0') + grantId
      return mac(name) + name
    },
    read(token) {
      const name = token.slice(macLetters)
      if (!digestsEqual(mac(name), token.slice(0, macLetters))) return undefined
      return {
        serial: Number.parseInt(name.slice(0, serialLetters), 36),
        grantId: name.slice(serialLetters),
      }
    },
  }
}
