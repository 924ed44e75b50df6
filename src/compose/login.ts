import { endAccess, endSessions } from '../authorization-server/account/end-access.ts'
import type { AuthorizationServerSettings } from '../authorization-server/settings.ts'
import type { Config } from '../config/schema.ts'
import { closedIdentity, developmentIdentity } from '../identity/development.ts'
import { localIdentity } from '../identity/local.ts'
import { loginLimits } from '../identity/login-limits.ts'
import { ownPassword } from '../identity/own-password.ts'
import { localPasskeys } from '../identity/passkeys.ts'
import type { Base } from './base.ts'
import { buildFederation } from './federation.ts'
import { buildPasswords, buildPeople } from './people.ts'

type LoginSettings = Pick<AuthorizationServerSettings, 'identity' | 'loginForm' | 'local' | 'federation'>

/** Builds the ways to log in, as configured: here, or at identity providers. Throws ConfigurationInvalid. */
export async function buildLogin(config: Config, base: Base): Promise<LoginSettings> {
  const own = buildOwnLogin(config, base)
  return { ...own, ...(await buildFederation(config, base, own.identity)) }
}

function buildOwnLogin(config: Config, base: Base): Omit<LoginSettings, 'federation'> {
  const { users: loginForm } = config.login
  if (loginForm === 'none') return { loginForm, identity: closedIdentity, local: undefined }
  const { store, clock, secret } = base
  const { artifacts, clients, passkeys, users } = store
  if (loginForm === 'development') {
    const isClient = async (name: string): Promise<boolean> =>
      config.clients.some(({ id }) => id === name) ||
      (await clients.find(name)) !== undefined ||
      (await artifacts.find('Client', name)) !== undefined
    return { loginForm, identity: developmentIdentity(isClient), local: undefined }
  }
  const passwords = buildPasswords(secret)
  const { url: publicUrl } = base.site
  const identity = localIdentity({ users, passwords, limits: loginLimits(base.rateLimit), clock })
  return {
    loginForm,
    identity,
    local: {
      passkeys: localPasskeys({ publicUrl, users, passkeys, artifacts, secret, clock }),
      setUp: buildPeople(base, passwords),
      passwords: ownPassword({
        users,
        passkeys,
        passwords,
        identity,
        clock,
        endSessions: (accountId) => endSessions(artifacts, accountId),
        endAccess: (accountId) => endAccess({ ...store, clock }, accountId),
      }),
    },
  }
}
