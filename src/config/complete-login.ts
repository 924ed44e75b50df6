import type { Config, ParsedConfig } from './schema.ts'

/** The setting `login` with the default of `users`, which depends on others. */
export function completeLogin({
  mode,
  login,
  authorizationServer,
}: Pick<ParsedConfig, 'mode' | 'login' | 'authorizationServer'>): Config['login'] {
  const isElsewhere = login.providers.length > 0 || authorizationServer === 'external'
  const unnamed = mode === 'production' ? 'local' : 'development'
  return { ...login, users: login.users ?? (isElsewhere ? 'none' : unnamed) }
}
