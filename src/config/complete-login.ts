import type { Config, ParsedConfig } from './schema.ts'

/** The setting `login` with the default of `users`, which depends on others. */
export function completeLogin({ mode, login }: Pick<ParsedConfig, 'mode' | 'login'>): Config['login'] {
  const unnamed = mode === 'production' ? 'local' : 'development'
  return { ...login, users: login.users ?? (login.providers.length > 0 ? 'none' : unnamed) }
}
