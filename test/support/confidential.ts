import type { ConfigInput } from '../../src/config/schema.ts'
import type { OAuthClient, TokenAnswer } from './oauth.ts'

/** The secret of every confidential client of the tests. */
export const clientSecret = 'a-secret-of-a-confidential-client'

/** Asks the token endpoint as a confidential client. */
export function askAs(
  oauth: OAuthClient,
  id: string,
  parameters: Readonly<Record<string, string>>,
  { headers = {}, path = '/token' }: { headers?: Record<string, string>; path?: string } = {},
): Promise<TokenAnswer> {
  const basic = Buffer.from(`${id}:${clientSecret}`).toString('base64')
  return oauth.token(parameters, { path, headers: { authorization: `Basic ${basic}`, ...headers } })
}

/** A confidential client in the configuration, with these grants. */
export function confidential(
  id: string,
  grantTypes: NonNullable<ConfigInput['clients']>[number]['grantTypes'],
  more: Partial<NonNullable<ConfigInput['clients']>[number]> = {},
): NonNullable<ConfigInput['clients']>[number] {
  return { id, secret: clientSecret, grantTypes, ...more }
}
