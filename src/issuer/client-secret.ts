import { type ClientAuth, ClientSecretBasic, ClientSecretPost } from 'openid-client'

/** The secret by which an issuer knows us, which may change while the process runs. */
export interface ClientSecret {
  readonly current: string
  /** Looks whether there is another one by now; called before each request that needs it. */
  readonly lookUp?: () => Promise<void>
}

/**
 * How a secret is shown at an endpoint that takes these methods; where its metadata names none, it is basic (RFC 8414
 * section 2). Where both are taken it is post: not every server decodes what basic has to encode (RFC 6749 section 2.3.1).
 */
export function showSecret({ current }: ClientSecret, methods: readonly string[] | undefined): ClientAuth {
  const taken = methods ?? ['client_secret_basic']
  return (taken.includes('client_secret_post') ? ClientSecretPost : ClientSecretBasic)(current)
}
