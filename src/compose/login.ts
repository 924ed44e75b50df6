import type { AuthorizationServerSettings } from '../authorization-server/settings.ts'
import type { Config } from '../config/schema.ts'
import { rateLimit } from '../http/rate-limit.ts'
import { closedIdentity, developmentIdentity } from '../identity/development.ts'
import { localIdentity } from '../identity/local.ts'
import { loginLimits } from '../identity/login-limits.ts'
import { localPasskeys } from '../identity/passkeys.ts'
import type { Base } from './base.ts'
import { buildPasswords, buildPeople } from './people.ts'

/** Builds who may log in, as a configuration says. */
export function buildLogin(
  config: Config,
  base: Base,
): Pick<AuthorizationServerSettings, 'identity' | 'loginForm' | 'local'> {
  const { users: loginForm } = config.login
  if (loginForm === 'none') return { loginForm, identity: closedIdentity, local: undefined }
  const { store, clock, secret } = base
  const { artifacts, clients, users, passkeys } = store
  if (loginForm === 'development') {
    const isClient = async (name: string): Promise<boolean> =>
      config.clients.some(({ id }) => id === name) ||
      (await clients.find(name)) !== undefined ||
      (await artifacts.find('Client', name)) !== undefined
    return { loginForm, identity: developmentIdentity(isClient), local: undefined }
  }
  const passwords = buildPasswords(secret)
  const { publicUrl } = config
  return {
    loginForm,
    identity: localIdentity({ users, passwords, limits: loginLimits(rateLimit), clock }),
    local: {
      passkeys: localPasskeys({ publicUrl, users, passkeys, artifacts, secret, clock }),
      setUp: buildPeople(base, passwords),
    },
  }
}
