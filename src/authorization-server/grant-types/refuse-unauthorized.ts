import type { Client, Provider as LibraryProvider, ResponseType } from 'oidc-provider'
import { deviceCodeGrant } from '../../core/grant-types.ts'
import { errors, Provider } from '../library/library.ts'

/**
 * Refuses a client that asks for a grant it may not use with `unauthorized_client` (RFC 6749 sections 4.1.2.1
 * and 5.2, RFC 8628 section 3.2), in the answer and in the log. The library detects it at the same place, but
 * says `invalid_request`.
 */
export function refuseUnauthorized({ Client: { prototype } }: LibraryProvider): void {
  const grantTypeAllowed: (this: Client, type: string) => boolean = Reflect.get(prototype, 'grantTypeAllowed')
  const responseTypeAllowed: (this: Client, type: ResponseType) => boolean = Reflect.get(
    prototype,
    'responseTypeAllowed',
  )
  prototype.grantTypeAllowed = function mayUse(this: Client, type: string): boolean {
    const isAllowed = grantTypeAllowed.call(this, type)
    if (!isAllowed && type === grantAskedFor())
      throw new errors.UnauthorizedClient(`the client may not use the grant ${type}`)
    return isAllowed
  }
  prototype.responseTypeAllowed = function mayAsk(this: Client, type: ResponseType): boolean {
    if (responseTypeAllowed.call(this, type)) return true
    throw new errors.UnauthorizedClient(`the client may not use the response type ${type}`)
  }
}

/** The grant that the running request is for; the library also checks others that go with it. */
function grantAskedFor(): unknown {
  const { route, params } = Provider.ctx?.oidc ?? {}
  if (route === 'device_authorization') return deviceCodeGrant
  return route === 'token' ? params?.['grant_type'] : undefined
}
