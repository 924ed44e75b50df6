import { type ClientAuth, ClientSecretBasic, ClientSecretPost } from 'openid-client'

/** The secret with which we authenticate to an issuer; it may change while the process runs. */
export interface ClientSecret {
  readonly current: string
  /** Checks whether there is a new one by now; called before each request that needs it. */
  readonly lookUp?: () => Promise<void>
}

/**
 * How a secret is sent to an endpoint that supports these methods; if its metadata names none, as basic
 * (RFC 8414 section 2). If both are supported, as post: not every server decodes what basic has to encode
 * (RFC 6749 section 2.3.1).
 */
export function secretAuthentication(
  { current }: ClientSecret,
  methods: readonly string[] | undefined,
): ClientAuth {
  const taken = methods ?? ['client_secret_basic']
  return (taken.includes('client_secret_post') ? ClientSecretPost : ClientSecretBasic)(current)
}
