import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/installation.ts'
import { makeCertificate, writePair } from '../../test/support/local-tls.ts'
import type { Algorithm, Setting } from '../stacks/contract.ts'
import { createSigner, type Signer } from './keys.ts'
import { type Process, pinning, startProcess } from './processes.ts'
import { serveKeys } from './serve-keys.ts'

/** One server, one issuer and one set of tokens for all gates. */
export interface Bench {
  readonly folder: string
  readonly upstream: Process
  /** The setting for a gate of this kind; each call has its own folder. */
  readonly setting: (kind: Kind) => Promise<Setting>
  /** The first tokens of an algorithm, up to a given number. */
  readonly tokens: (algorithm: Algorithm, count: number) => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

/** What distinguishes the settings of gates. */
export interface Kind {
  readonly algorithm: Algorithm
  readonly tls: boolean
}

const issuer = 'https://issuer.bench.example'
const audience = 'https://mcp.bench.example/mcp'

/** Starts the MCP server and the issuer that all gates share. */
export async function openBench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove) // a signal ends a run as well
  const upstreamPort = await freePort()
  const program = join(import.meta.dirname, 'upstream.ts')
  const upstream = startProcess(
    { program: process.execPath, args: [program, String(upstreamPort)] },
    pinning.load,
    join(folder, 'upstream.log'),
  )
  const signers = new Map<Algorithm, Promise<Signer>>()
  const signed = new Map<Algorithm, Promise<string>[]>()
  const signer = (algorithm: Algorithm): Promise<Signer> => {
    const made = signers.get(algorithm) ?? createSigner(algorithm, { issuer, audience })
    signers.set(algorithm, made)
    return made
  }
  const closers: (() => void)[] = []
  let settings = 0

  return {
    folder,
    upstream,
    async setting({ algorithm, tls }) {
      const { jwk, publicKey } = await signer(algorithm)
      const keys = await serveKeys(jwk)
      closers.push(keys.close)
      const own = join(folder, String(++settings))
      mkdirSync(own)
      const publicKeyFile = join(own, 'key.pem')
      writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }))
      return {
        algorithm,
        tls: tls ? writePair(makeCertificate({ names: `DNS:${new URL(audience).hostname}` })) : undefined,
        upstreamPort,
        issuer,
        audience,
        jwksUri: keys.url,
        keysCertificate: keys.certificate,
        publicKeyFile,
        folder: own,
      }
    },
    async tokens(algorithm, count) {
      const { sign } = await signer(algorithm)
      const made = signed.get(algorithm) ?? []
      signed.set(algorithm, made)
      while (made.length < count) made.push(sign(made.length))
      return Promise.all(made.slice(0, count))
    },
    async close() {
      await upstream.end()
      for (const close of closers) close()
      remove()
      process.off('exit', remove)
    },
  }
}
