import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { TlsFiles } from '../schema/tls-schema.ts'
import { certificatesIn } from './certificates.ts'

/** A certificate that fits its private key, both in PEM, as node:tls takes them. */
export interface CertificatePair {
  readonly cert: string
  readonly key: string
  /** Milliseconds since the Unix epoch. */
  readonly validUntil: number
}

/** What is wrong with one of the two files. */
export interface PairProblem {
  readonly setting: keyof TlsFiles
  readonly message: string
}

/** A host that a certificate must cover. */
export interface NeededHost {
  readonly host: string
  /** Whose host it is and how to get another one, for an operator. */
  readonly whose: string
  readonly otherwise: string
}

/** What a pair must be valid for. */
export interface PairNeeds {
  readonly hosts: readonly NeededHost[]
  /** Milliseconds since the Unix epoch. */
  readonly now: number
}

/** The lowest accepted version of TLS; earlier ones have known weaknesses (RFC 8996). */
export const leastTlsVersion = 'TLSv1.2'

const keyBlock = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/
const lockedKey = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/

/**
 * Checks whether a certificate and a key, the texts of two files, can serve hosts now. Reports everything
 * that is wrong, also with one file if the other could not be read.
 * - The certificate comes first in its file, belongs to the key, is valid, and covers the hosts.
 * - The key has no passphrase.
 */
export function examinePair(
  texts: { readonly [part in keyof TlsFiles]: string | undefined },
  files: TlsFiles,
  needs: PairNeeds,
): CertificatePair | readonly PairProblem[] {
  const problems: PairProblem[] = []
  const attempt = <T>(setting: keyof TlsFiles, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      problems.push({ setting, message: (error as Error).message })
      return undefined
    }
  }
  const { certificate: cert, key: keyText } = texts
  const chain = (cert !== undefined && attempt('certificate', () => readChain(cert, files.certificate))) || []
  const key = keyText === undefined ? undefined : attempt('key', () => readKey(keyText, files.key))
  const [leaf] = chain
  if (leaf !== undefined) {
    problems.push(...validityProblems(leaf, files, needs), ...nameProblems(leaf, files, needs))
    if (key !== undefined) problems.push(...fitProblems(chain, key, files))
  }
  if (leaf === undefined || cert === undefined || keyText === undefined || problems.length > 0)
    return problems
  attempt('certificate', () => tryOut(cert, keyText, files))
  return problems.length > 0 ? problems : { cert, key: keyText, validUntil: leaf.validToDate.getTime() }
}

/** Throws what is wrong. */
function readChain(text: string, file: string): X509Certificate[] {
  let chain: X509Certificate[]
  try {
    chain = certificatesIn(text)
  } catch {
    throw new Error(`${file} holds a certificate that is damaged: get it anew from where it was issued`)
  }
  if (chain.length > 0) return chain
  throw new Error(`${file} holds no certificate in PEM: name the file that has it, followed by its chain`)
}

/** Throws what is wrong, without anything that the file contains. */
function readKey(text: string, file: string): KeyObject {
  if (lockedKey.test(text)) {
    const fix = `write it without one: openssl pkey -in ${file} -out FILE, readable by its owner alone`
    throw new Error(`the key in ${file} is locked with a passphrase: ${fix}`)
  }
  if (!keyBlock.test(text)) {
    throw new Error(`${file} holds no private key in PEM: name the file of the certificate's private key`)
  }
  try {
    return createPrivateKey(text)
  } catch {
    throw new Error(`${file} holds a private key that is damaged: restore it, or get a new certificate`)
  }
}

function validityProblems(
  leaf: X509Certificate,
  { certificate: file }: TlsFiles,
  { now }: PairNeeds,
): PairProblem[] {
  if (now >= leaf.validToDate.getTime()) {
    const message = `the certificate in ${file} expired on ${writeTime(leaf.validToDate)}: renew it`
    return [{ setting: 'certificate', message }]
  }
  if (now >= leaf.validFromDate.getTime()) return []
  const from = writeTime(leaf.validFromDate)
  const message = `the certificate in ${file} is not valid before ${from}: use it later, or set the clock right`
  return [{ setting: 'certificate', message }]
}

function nameProblems(
  leaf: X509Certificate,
  { certificate: file }: TlsFiles,
  { hosts }: PairNeeds,
): PairProblem[] {
  const names = leaf.subjectAltName?.replaceAll(/DNS:|IP Address:/g, '') ?? 'no name at all'
  return hosts
    .filter(({ host }) => !covers(leaf, host))
    .map(({ host, whose, otherwise }) => {
      const fix = `get one for ${host}, or ${otherwise}`
      const message = `the certificate in ${file} covers ${names}, not ${host}, the host of ${whose}: ${fix}`
      return { setting: 'certificate', message }
    })
}

/** As in clients: only the names in the subject alternative name count (RFC 9525 section 2). */
function covers(leaf: X509Certificate, host: string): boolean {
  const address = host.replaceAll(/^\[|\]$/g, '')
  return isIP(address) > 0
    ? leaf.checkIP(address) !== undefined
    : leaf.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined
}

function fitProblems(chain: readonly X509Certificate[], key: KeyObject, files: TlsFiles): PairProblem[] {
  const position = chain.findIndex((one) => one.checkPrivateKey(key))
  if (position === 0) return []
  const { certificate, key: keyFile } = files
  if (position > 0) {
    const message = `the certificate of the key stands behind others in ${certificate}: put it first, and those of its issuers after it`
    return [{ setting: 'certificate', message }]
  }
  const message = `the key in ${keyFile} does not belong to the certificate in ${certificate}: name the key with which that certificate was asked for`
  return [{ setting: 'key', message }]
}

/** Throws if TLS itself refuses the pair, for example because a key is too short. */
function tryOut(cert: string, key: string, { certificate }: TlsFiles): void {
  try {
    createSecureContext({ cert, key, minVersion: leastTlsVersion })
  } catch (error) {
    const reason = (error as Error).message.split(':').at(-1)
    const fix = 'get one with a key of at least 2048 bits (RSA) or 256 bits (EC), signed with SHA-256'
    throw new Error(`TLS refuses the certificate in ${certificate} (${reason}): ${fix}`, { cause: error })
  }
}

/** A time for operators to read: to the minute, UTC. */
function writeTime(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
