import type { JWTVerifyGetKey } from 'jose'
import type { Recorder } from '../audit/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { ResourceDirectory } from '../core/protected-resource.ts'
import type { ScopeCatalogue } from '../core/scope-catalogue.ts'
import type { MasterSecret } from '../core/secret.ts'
import type { Site } from '../core/site.ts'
import type { Guard } from '../http/guard.ts'
import type { SafeFetch } from '../http/safe-fetch.ts'
import type { Identity } from '../identity/contract.ts'
import type { OwnPassword } from '../identity/own-password-contract.ts'
import type { Passkeys } from '../identity/passkey-contract.ts'
import type { Federation } from '../identity/provider-contract.ts'
import type { SetUp } from '../identity/set-up-contract.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { OpenRateLimit } from '../limits/contract.ts'
import type { ArtifactStore } from '../storage/artifact-contract.ts'
import type { ClientStore } from '../storage/client-contract.ts'
import type { ConsentStore } from '../storage/consent-contract.ts'
import type { RevocationStore } from '../storage/revocation-contract.ts'
import type { Observe } from '../telemetry/event.ts'
import type { Traces } from '../telemetry/trace-contract.ts'
import type { RememberedConsents } from './consent/remembered-consent.ts'
import type { StepUps } from './consent/step-up.ts'
import type { RequestLimitSettings } from './requests/request-limits.ts'
import type { SessionLifetimes } from './session.ts'

/** A preconfigured client, as written by an operator. */
export interface KnownClient {
  readonly id: string
  readonly name?: string | undefined
  readonly secret?: string | undefined
  /** Public keys, for a client that signs its requests (private_key_jwt). */
  readonly jwks?: { readonly keys: readonly object[] } | undefined
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  readonly scopes?: readonly string[] | undefined
  /** Names of the MCP servers that it may have tokens for; all of them if there is no list. */
  readonly upstreams?: readonly string[] | undefined
  readonly dpop: 'optional' | 'required'
  readonly pushedRequests: 'optional' | 'required'
  /** Lifetime of its access tokens, if it differs. */
  readonly accessTokenSeconds?: number | undefined
}

/** Clients whose access tokens live longer or shorter than those of other clients. */
interface LifetimeProfile {
  /** The host of all their redirect URIs. */
  readonly redirectHost: string
  readonly accessTokenSeconds: number
}

/** An identity provider whose assertions about its users are accepted (enterprise-managed authorization). */
export interface AssertionIssuer {
  readonly issuer: string
  readonly keys: JWTVerifyGetKey
  /** Accepted signature algorithms; never `none` and never a symmetric one. */
  readonly algorithms: readonly string[]
  /** The only tenant whose users are accepted; undefined if it has no tenants. */
  readonly tenant: string | undefined
  /** The prefix of its subjects here, which makes them distinct from all others. */
  readonly subjectPrefix: string
}

/** What users who are kept here can do besides typing a password. */
interface LocalUsers {
  readonly passkeys: Passkeys
  readonly setUp: SetUp
  readonly passwords: OwnPassword
}

/** How clients become known that are not in the configuration. */
export interface RegistrationSettings {
  readonly dynamic: 'open' | 'token' | 'off'
  /** What a client has to present if `dynamic` is `token`. */
  readonly initialAccessToken?: string | undefined
  /** How long a registration waits for its first use, and a used one for the next. */
  readonly unusedSeconds: number
  readonly idleSeconds: number
  /** The maximum number of self-registered clients. */
  readonly maxClients: number
  readonly newPerMinute: number
  /** Accepted redirect URIs with a private-use scheme, which must match literally. */
  readonly privateUseRedirects: readonly string[]
  readonly documents: { readonly enabled: boolean; readonly allowedHosts?: readonly string[] | undefined }
}

/** Everything that the authorization server needs. */
export interface AuthorizationServerSettings {
  /** Its address. Its URL is the issuer, and only its origins may send our forms. */
  readonly site: Site
  readonly resources: ResourceDirectory
  readonly scopes: ScopeCatalogue
  readonly clients: readonly KnownClient[]
  readonly identity: Identity
  /** Which login form is shown; the development form is prefilled. */
  readonly loginForm: 'local' | 'development' | 'none'
  /** Passkeys and set-up links, if users are kept here. */
  readonly local: LocalUsers | undefined
  /** Other ways to log in; undefined if there are none. */
  readonly federation: Federation | undefined
  readonly sessions: SessionLifetimes
  readonly registration: RegistrationSettings
  readonly requestLimits: RequestLimitSettings
  readonly rateLimit: OpenRateLimit
  /** The clients of the store. */
  readonly registered: ClientStore
  /** Fetches what clients name, only from the public internet. */
  readonly fetchSafely: SafeFetch
  /** The same for approved clients, with as many concurrent fetches as for all others. */
  readonly fetchForApproved: SafeFetch
  /** Whether metadata documents of clients can be fetched, as far as is known, and so may be announced. */
  readonly announcesDocuments: () => Promise<boolean>
  readonly tokens: {
    readonly codeSeconds: number
    readonly accessTokenSeconds: number
    /** Lifetime of a refresh token. It starts over with each use. */
    readonly refreshIdleSeconds: number
    /** Lifetime of a grant, from the authorization on. Nothing that comes from it lasts longer. */
    readonly refreshAbsoluteSeconds: number
    /** For how long a used refresh token still leads to its successor. */
    readonly refreshWindowSeconds: number
    readonly profiles: readonly LifetimeProfile[]
  }
  /** Grants that exist only if the operator enables them. */
  readonly grants: {
    readonly deviceCode: boolean
    readonly tokenExchange: boolean
    readonly assertionIssuers: readonly AssertionIssuer[]
    /** Who signs in here, by the identity provider's names for it and for them. */
    readonly findVouched: (
      issuer: string,
      subject: string,
    ) => Promise<{ readonly id: string; readonly disabledAt: number | undefined } | undefined>
  }
  readonly dpop: { readonly nonce: 'optional' | 'required' }
  readonly keys: KeyRing
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
  readonly stepUps: StepUps
  readonly consents: ConsentStore
  readonly rememberedConsents: RememberedConsents
  readonly secret: MasterSecret
  readonly clock: Clock
  /** Which hosts and origins may call. */
  readonly guard: Guard
  readonly observe: Observe
  /** Where each decision is recorded. */
  readonly recorder: Recorder
  readonly traces: Traces | undefined
  /** Called with every internal fault, for the log. */
  readonly onFault: (error: unknown) => void
}
