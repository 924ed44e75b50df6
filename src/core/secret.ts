import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

const keyBytes = 32

/** The secret that all other secrets of an installation are derived from: 32 bytes or more. */
export interface MasterSecret {
  /** A key of 32 bytes for one purpose (HKDF-SHA-256, RFC 5869). */
  derive(purpose: string): Buffer
}

/** Wraps the bytes of the master secret. Throws a RangeError for less than 32 bytes. */
export function masterSecret(bytes: Uint8Array): MasterSecret {
  if (bytes.length < keyBytes) throw new RangeError('the secret must have at least 32 bytes')
  return {
    derive: (purpose) => Buffer.from(hkdfSync('sha256', bytes, 'portcullis', purpose, keyBytes)),
  }
}

/** The secret of one tenant, which does not reveal the secrets of others. */
export function tenantSecret(secret: MasterSecret, tenant: string): MasterSecret {
  return masterSecret(Buffer.from(writtenTenantSecret(secret, tenant), 'base64url'))
}

/** The same in its written form, base64url, as a backup has it. */
export function writtenTenantSecret(secret: MasterSecret, tenant: string): string {
  return secret.derive(`tenant/${tenant}`).toString('base64url')
}

/** A new random value of `bytes` bytes, in base64url. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}

/** An id that can be typed on a command line, where a leading hyphen would make it a flag. */
export function typeableId(id: string): string {
  return id.replace(/^-/, '0')
}

/** The SHA-256 of a high-entropy value, in base64url. */
export function digest(value: string): string {
  return hash('sha256', value, 'base64url')
}

/** A keyed hash (HMAC-SHA-256, base64url), for values that could be guessed. */
export function keyedDigest(key: Uint8Array): (value: string) => string {
  // A key given as bytes would be copied for each hash.
  const held = createSecretKey(key)
  return (value) => createHmac('sha256', held).update(value).digest('base64url')
}

/** Compares two secrets in a time that does not depend on where they differ. */
export function secretsEqual(left: string, right: string): boolean {
  return digestsEqual(digest(left), digest(right))
}

/** The same for digests, whose length is not secret. */
export function digestsEqual(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** The name of a grant in access tokens and deny lists, which does not reveal its id. */
export function grantName(grantId: string): string {
  return digest(grantId).slice(0, 22)
}

/**
 * The name of a user of an identity provider in access tokens and deny lists. It does not depend on what the
 * provider is called here, nor on whether the user has an account.
 */
export function vouchedName(issuer: string, subject: string): string {
  return digest(JSON.stringify([issuer, subject])).slice(0, 22)
}

/**
 * Encrypts and authenticates short texts (AES-256-GCM). `context` must be the same when the text is opened.
 */
export interface Sealer {
  seal(text: string, context: string): string
  /**
   * Returns undefined for anything that `seal` did not make with this key and context. Untrusted input is fine.
   */
  open(sealed: string, context: string): string | undefined
}

const nonceBytes = 12
const tagBytes = 16

/** Nonces are not secret, so many are drawn at once, which costs as much as drawing one. */
const nonces = { drawn: Buffer.alloc(0), used: 0 }

function nextNonce(): Buffer {
  if (nonces.used === nonces.drawn.length) {
    nonces.drawn = randomBytes(256 * nonceBytes)
    nonces.used = 0
  }
  return nonces.drawn.subarray(nonces.used, (nonces.used += nonceBytes))
}

/** A sealer with one 32-byte key. Its output is base64url. */
export function sealer(key: Uint8Array): Sealer {
  return sealerWith(key, nextNonce)
}

/**
 * A sealer that gives the same output for the same text and context, so that holders of several can see that
 * they are the same. Its nonces are a keyed hash of both (as in RFC 5297), with a separate 32-byte key.
 */
export function repeatableSealer(key: Uint8Array, nonceKey: Uint8Array): Sealer {
  return sealerWith(key, (text, context) =>
    createHmac('sha256', nonceKey)
      .update(JSON.stringify([context, text]))
      .digest()
      .subarray(0, nonceBytes),
  )
}

function sealerWith(key: Uint8Array, nonceFor: (text: string, context: string) => Uint8Array): Sealer {
  const held = createSecretKey(key)
  return {
    seal(text, context) {
      const nonce = nonceFor(text, context)
      const cipher = createCipheriv('aes-256-gcm', held, nonce).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url')
      if (bytes.length < nonceBytes + tagBytes) return undefined
      const decipher = createDecipheriv('aes-256-gcm', held, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
      try {
        return (
          decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
        )
      } catch {
        return undefined // not ours, or not for this context; callers need to know no more
      }
    },
  }
}
