import type { Server } from 'node:https'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import { type CertificatePair, leastTlsVersion } from '../config/reading/examine-pair.ts'
import { describePairProblems, readPair } from '../config/reading/read-pair.ts'
import type { TlsFiles } from '../config/schema/tls-schema.ts'
import type { Config } from '../config/schema.ts'
import { type CertificateKeeper, keepCertificate } from '../http/keep-certificate.ts'
import type { Base } from './base.ts'

/**
 * The TLS options of a listener for a pair: at least version 1.2, and a handshake that takes no longer than the
 * head of a request may, so that a stranger holds no connection open with less than that.
 */
export function tlsOptions(pair: CertificatePair, { limits }: Config): TlsOptions {
  return { ...contextOptions(pair), handshakeTimeout: limits.headSeconds * 1000 }
}

/** Makes a listener switch to each new certificate in `files` without dropping a connection. */
export function renewCertificate(
  server: Server,
  pair: CertificatePair,
  { files, config, base: { clock, log, onFault } }: { files: TlsFiles; config: () => Config; base: Base },
): CertificateKeeper {
  return keepCertificate({
    files: [files.certificate, files.key],
    pair,
    read: () => {
      const read = readPair(files, config(), clock.now())
      return 'cert' in read ? read : describePairProblems(read)
    },
    use: (next) => server.setSecureContext(contextOptions(next)),
    log: log.logger,
    clock,
    onFault,
  })
}

function contextOptions({ cert, key }: CertificatePair): SecureContextOptions {
  return { cert, key, minVersion: leastTlsVersion }
}
