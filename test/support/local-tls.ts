import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/** A certificate with its private key, both in PEM. */
export interface TestPair {
  readonly key: string
  readonly cert: string
}

interface CertificateOptions {
  /** The subject alternative name. */
  readonly names?: string
  /** From now; a negative number makes one that has expired. */
  readonly days?: number
  /** The `-newkey` of openssl. */
  readonly newKey?: readonly string[]
}

const ellipticKey = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

/** Creates a self-signed certificate, by default for `localhost` and 127.0.0.1. */
export function makeCertificate({
  names = 'DNS:localhost,IP:127.0.0.1',
  days = 2,
  newKey = ellipticKey,
}: CertificateOptions = {}): TestPair {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-tls-'))
  const [key = '', request = '', extension = '', cert = ''] = ['key', 'request', 'extension', 'cert'].map(
    (name) => join(folder, name),
  )
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { stdio: 'ignore' })
  writeFileSync(extension, `subjectAltName=${names}\n`)
  // If two are trusted under one name, the wrong one could be mistaken for the issuer.
  const subject = `/CN=${basename(folder)}`
  openssl('req', '-new', '-newkey', ...newKey, '-nodes', '-keyout', key, '-out', request, '-subj', subject)
  const signing = ['-signkey', key, '-days', String(days), '-extfile', extension]
  openssl('x509', '-req', '-in', request, ...signing, '-out', cert)
  const pair = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  rmSync(folder, { recursive: true })
  return pair
}

/** Creates a certificate for `localhost` and 127.0.0.1 that this process trusts from then on. */
export function trustedCertificate(): TestPair {
  const pair = makeCertificate()
  setDefaultCACertificates([...getCACertificates('default'), pair.cert])
  return pair
}

/** Files that contain a pair, as named in `listen.tls`. */
export interface PairFiles {
  readonly certificate: string
  readonly key: string
}

/** Writes a pair into a separate folder. */
export function writePair(pair: TestPair): PairFiles {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-pair-'))
  const files = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  overwritePair(files, pair)
  return files
}

/** Overwrites the files with another pair, one after the other. */
export function overwritePair({ certificate, key }: PairFiles, pair: TestPair): void {
  writeFileSync(certificate, pair.cert)
  writeFileSync(key, pair.key, { mode: 0o600 })
}
