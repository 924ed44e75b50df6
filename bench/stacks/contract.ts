import type { Command } from '../harness/processes.ts'

/** Signature algorithms of the tokens. */
export type Algorithm = 'ES256' | 'RS256' | 'EdDSA'

/** What all gates of a measurement have in common. */
export interface Setting {
  readonly algorithm: Algorithm
  /** PEM files of the certificate that the gate uses for TLS; undefined: plain HTTP. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  readonly upstreamPort: number
  readonly issuer: string
  /** The resource that tokens are for. */
  readonly audience: string
  readonly jwksUri: string
  /** PEM file of the certificate of the key server. */
  readonly keysCertificate: string
  /** PEM file of the public key that signs the tokens. */
  readonly publicKeyFile: string
  /** A folder that nothing else uses. */
  readonly folder: string
}

/** Something in front of an MCP server. */
export interface Stack {
  readonly id: string
  readonly name: string
  /** A short description of what it does with a request. */
  readonly does: string
  /** Whether it admits nothing without a valid token. */
  readonly gate: boolean
  /** A path that answers with 200 once everything is running; undefined: an answered call shows that. */
  readonly readyAt?: string
  /** Why it cannot take part in a setting, or with bodies of this many bytes. */
  readonly lacks?: (need: Pick<Setting, 'algorithm'> & { readonly bytes: number }) => string | undefined
  /** Writes what it needs into the folder of the setting, and returns how to start it on a port. */
  readonly prepare: (setting: Setting, port: number) => Command
}
