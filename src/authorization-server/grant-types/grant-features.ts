import type { Configuration } from 'oidc-provider'
import { devicePages } from '../device/device-pages.ts'
import type { AuthorizationServerSettings } from '../settings.ts'

type GrantFeatures = Pick<
  NonNullable<Configuration['features']>,
  'clientCredentials' | 'deviceFlow' | 'dPoP' | 'pushedAuthorizationRequests'
>

/** The library's features that issue tokens without a code, or that bind tokens and requests. */
export function grantFeatures(settings: AuthorizationServerSettings): GrantFeatures {
  return {
    clientCredentials: { enabled: true },
    deviceFlow: {
      enabled: settings.grants.deviceCode,
      // 20^8 codes, of which each address can try only a few: RFC 8628 section 5.1.
      charset: 'base-20',
      mask: '****-****',
      ...devicePages(settings),
    },
    dPoP: {
      enabled: true,
      // Derived, so that a nonce from one replica is valid at another.
      nonceSecret: settings.secret.derive('dpop-nonce'),
      requireNonce: () => settings.dpop.nonce === 'required',
      allowReplay: false,
    },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: false },
  }
}
