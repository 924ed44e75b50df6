import type { Clock } from '../core/clock.ts'
import type { ResourceDirectory } from '../core/protected-resource.ts'
import type { MasterSecret } from '../core/secret.ts'
import type { Guard } from '../http/guard.ts'
import type { Identity } from '../identity/contract.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { ArtifactStore, RevocationStore } from '../storage/contract.ts'
import type { Observe } from '../telemetry/event.ts'
import type { StepUps } from './step-up.ts'

/** A client that is known beforehand, as an operator writes it. */
export interface KnownClient {
  readonly id: string
  readonly name?: string | undefined
  readonly secret?: string | undefined
  readonly redirectUris: readonly string[]
  readonly grantTypes: readonly string[]
  readonly scopes?: readonly string[] | undefined
  /** Lifetime of its access tokens, where it differs. */
  readonly accessTokenSeconds?: number | undefined
}

/** Clients whose access tokens live longer or shorter than those of others. */
interface LifetimeProfile {
  /** The host of all their redirect URIs. */
  readonly redirectHost: string
  readonly accessTokenSeconds: number
}

/** Everything that the authorization server is told and given. */
export interface AuthorizationServerSettings {
  /** The public URL, which is the issuer: no path, no trailing slash. */
  readonly issuer: string
  /** The origins under which the public URL is known: the only ones that may send our forms. */
  readonly origins: readonly string[]
  readonly resources: ResourceDirectory
  readonly clients: readonly KnownClient[]
  readonly identity: Identity
  /** What the login form shows: the development form is prefilled. */
  readonly loginForm: 'development' | 'none'
  readonly dynamicRegistration: boolean
  readonly tokens: {
    readonly codeSeconds: number
    readonly accessTokenSeconds: number
    /** Lifetime of a refresh token. Each use begins it anew. */
    readonly refreshIdleSeconds: number
    /** Lifetime of a grant, from the authorization on. Nothing that comes from it lasts longer. */
    readonly refreshAbsoluteSeconds: number
    /** For how long a used refresh token still gets the answer that it got. */
    readonly refreshWindowSeconds: number
    readonly profiles: readonly LifetimeProfile[]
  }
  readonly keys: KeyRing
  readonly artifacts: ArtifactStore
  readonly revocations: RevocationStore
  readonly stepUps: StepUps
  readonly secret: MasterSecret
  readonly clock: Clock
  /** Which hosts and origins may call. */
  readonly guard: Guard
  readonly observe: Observe
  /** Told of every fault of ours, for the log. */
  readonly onFault: (error: unknown) => void
}
