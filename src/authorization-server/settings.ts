import type { JWTVerifyGetKey } from 'jose'
import type { Recorder } from '../audit/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { ResourceDirectory } from '../core/protected-resource.ts'
import type { ScopeCatalogue } from '../core/scope-catalogue.ts'
import type { MasterSecret } from '../core/secret.ts'
import type { Site } from '../core/site.ts'
import type { Guard } from '../http/guard.ts'
import type { SafeFetch } from '../http/safe-fetch.ts'
import type { Identity, OwnPassword, Passkeys, SetUp } from '../identity/contract.ts'
import type { Federation } from '../identity/provider-contract.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { OpenRateLimit } from '../limits/contract.ts'
import type { ConsentStore } from '../storage/consent-contract.ts'
import type { ArtifactStore, ClientStore } from '../storage/contract.ts'
import type { RevocationStore } from '../storage/revocation-contract.ts'
import type { Observe } from '../telemetry/event.ts'
import type { Traces } from '../telemetry/trace-contract.ts'
import type { RememberedConsents } from './remembered-consent.ts'
import type { RequestLimits } from './request-limits.ts'
import type { SessionLifetimes } from './session.ts'
import type { StepUps } from './step-up.ts'

/** A client that is known beforehand, as an operator writes it. */
export interface KnownClient {
  readonly id: string
  readonly name?: string | undefined
  readonly secret?: string | undefined
  /** Public keys, for a client that signs its requests (private_key_jwt). */
  readonly jwks?: { readonly keys: readonly object[] } | undefined
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  readonly scopes?: readonly string[] | undefined
  /** Names of the MCP servers that it may have tokens for; all of them where there is no list. */
  readonly upstreams?: readonly string[] | undefined
  readonly dpop: 'optional' | 'required'
  readonly pushedRequests: 'optional' | 'required'
  /** Lifetime of its access tokens, where it differs. */
  readonly accessTokenSeconds?: number | undefined
}

/** Clients whose access tokens live longer or shorter than those of others. */
interface LifetimeProfile {
  /** The host of all their redirect URIs. */
  readonly redirectHost: string
  readonly accessTokenSeconds: number
}

/** An identity provider whose assertions about its users are accepted (enterprise-managed authorization). */
export interface AssertionIssuer {
  readonly issuer: string
  readonly keys: JWTVerifyGetKey
  /** Signature algorithms of its assertions; never `none` and never a symmetric one. */
  readonly algorithms: readonly string[]
  /** What its subjects begin with here, so that they are nobody else's. */
  readonly subjectPrefix: string
}

/** What people who are kept here can do besides typing a password. */
interface LocalUsers {
  readonly passkeys: Passkeys
  readonly setUp: SetUp
  readonly passwords: OwnPassword
}

/** How clients come to be known that nobody wrote into the configuration. */
export interface RegistrationSettings {
  readonly dynamic: 'open' | 'token' | 'off'
  /** What a client has to show where `dynamic` is `token`. */
  readonly initialAccessToken?: string | undefined
  /** How long a registration waits for its first use, and a used one for the next. */
  readonly unusedSeconds: number
  readonly idleSeconds: number
  /** The most clients that registered themselves. */
  readonly maxClients: number
  readonly newPerMinute: number
  /** Redirect URIs with a scheme of their own that are accepted, to the letter. */
  readonly privateUseRedirects: readonly string[]
  readonly documents: { readonly enabled: boolean; readonly allowedHosts?: readonly string[] | undefined }
}

/** Everything that the authorization server is told and given. */
export interface AuthorizationServerSettings {
  /** Where it is found. Its URL is the issuer, and its origins are the only ones that may send our forms. */
  readonly site: Site
  readonly resources: ResourceDirectory
  readonly scopes: ScopeCatalogue
  readonly clients: readonly KnownClient[]
  readonly identity: Identity
  /** What the login form shows: the development form is prefilled. */
  readonly loginForm: 'local' | 'development' | 'none'
  /** Passkeys and set-up links, where people are kept here. */
  readonly local: LocalUsers | undefined
  /** Where else people can log in; undefined where there is no other place. */
  readonly federation: Federation | undefined
  readonly sessions: SessionLifetimes
  readonly registration: RegistrationSettings
  readonly requestLimits: RequestLimits
  readonly rateLimit: OpenRateLimit
  /** The clients of the store. */
  readonly registered: ClientStore
  /** Fetches what clients name, from the public internet alone. */
  readonly fetchSafely: SafeFetch
  /** The same for clients that somebody let in, of whom as many may be fetched for at a time as of all others. */
  readonly fetchForLetIn: SafeFetch
  /** Whether metadata documents of clients can be fetched, as far as is known, and so may be announced. */
  readonly announcesDocuments: () => Promise<boolean>
  readonly tokens: {
    readonly codeSeconds: number
    readonly accessTokenSeconds: number
    /** Lifetime of a refresh token. Each use begins it anew. */
    readonly refreshIdleSeconds: number
    /** Lifetime of a grant, from the authorization on. Nothing that comes from it lasts longer. */
    readonly refreshAbsoluteSeconds: number
    /** For how long a used refresh token still leads to its successor. */
    readonly refreshWindowSeconds: number
    readonly profiles: readonly LifetimeProfile[]
  }
  /** Grants that are there only where the operator wants them. */
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
  /** Told of every fault of ours, for the log. */
  readonly onFault: (error: unknown) => void
}
