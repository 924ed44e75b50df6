import type { ConfigInput } from '../../src/config/schema.ts'
import { startGlewlwyd } from '../support/glewlwyd.ts'
import { type GlewlwydVisitor, glewlwydVisitor } from '../support/glewlwyd-visitor.ts'

const clientId = 'portcullis'
const clientSecret = 'secret-of-the-cluster'

/** The identity provider at which everybody signs in who signs in at all. */
export interface ProviderLogin {
  readonly issuer: string
  /** The setting `login`. */
  readonly setting: NonNullable<ConfigInput['login']>
  /** Makes a user there, at a browser of their own. */
  arrive(name: string): Promise<GlewlwydVisitor>
  close(): Promise<void>
}

/**
 * Starts Glewlwyd as that provider, and makes Portcullis known there. It is asked every ten seconds whether it still vouches
 * for who refreshes.
 */
export async function startProviderLogin(publicUrl: string): Promise<ProviderLogin> {
  const glewlwyd = await startGlewlwyd()
  const { issuer } = glewlwyd
  const provider = { name: 'glewlwyd', issuer, clientId, clientSecret, scopes: ['openid'] }
  await glewlwyd.addClient(clientId, clientSecret, `${publicUrl}/login/callback/glewlwyd`)
  return {
    issuer,
    setting: { providers: [{ ...provider, recheckSeconds: 10 }] },
    async arrive(name) {
      await glewlwyd.addUser(name, name)
      return glewlwydVisitor(issuer, name)
    },
    close: () => glewlwyd.close(),
  }
}
