import type { User } from './user-contract.ts'

/** What an identity provider said of one of its users, as far as it is used here. */
export interface IdentityFacts {
  readonly displayName: string
  readonly email: string | undefined
  /** The domain that the provider vouches for: of a verified address or of the organisation. */
  readonly domain: string | undefined
  /** The tenant or organisation at the provider. */
  readonly tenant: string | undefined
  readonly groups: readonly string[]
  readonly roles: readonly string[]
}

/** A user for whom an identity provider vouches. Times are milliseconds since the epoch. */
export interface LinkedIdentity {
  readonly issuer: string
  readonly subject: string
  readonly userId: string
  readonly facts: IdentityFacts
  /** A secret with which the provider can be asked again; undefined if it gave none. */
  readonly credential: string | undefined
  /** 0 if the provider has said no since. */
  readonly loggedInAt: number
  /** When the provider was last asked, and when it last said yes. */
  readonly askedAt: number
  readonly confirmedAt: number
}

/** A user who has just logged in at a provider. */
interface ProviderLogin {
  /** The user to create if none exists yet for issuer and subject. */
  readonly user: User
  readonly nameKey: string
  readonly issuer: string
  readonly subject: string
  readonly facts: IdentityFacts
  readonly credential: string | undefined
  readonly now: number
}

/**
 * Links the users of one tenant to their identities at providers. Users are only found by issuer and subject
 * together.
 */
export interface IdentityStore {
  /**
   * Finds or creates the user of an issuer and subject: several concurrent logins create only one. Records
   * the login, and keeps the previous credential if the provider gave none.
   */
  enter(login: ProviderLogin): Promise<User>
  /** The user of an issuer and subject, if they have logged in before. */
  findUser(issuer: string, subject: string): Promise<User | undefined>
  findByUser(userId: string): Promise<LinkedIdentity | undefined>
  /** What the providers last said of each user, by user id. */
  listFacts(): Promise<ReadonlyMap<string, IdentityFacts>>
  /**
   * Records that the provider is being asked, in one conditional update, unless it was asked since `askedAt`
   * was read. Returns whether this call did it: true for only one of several concurrent calls.
   */
  claimQuestion(userId: string, askedAt: number, now: number): Promise<boolean>
  /** Records that the provider said yes, unless the user has logged in again since `loggedInAt` was read. */
  confirm(userId: string, answer: ConfirmedIdentity): Promise<void>
  /**
   * Records that the provider said no, unless the user has logged in again since `loggedInAt` was read:
   * forgets the credential, and earlier logins are no longer valid, neither by themselves nor for asking
   * again.
   */
  refuse(userId: string, refusal: { readonly loggedInAt: number; readonly now: number }): Promise<void>
}

/** What a provider gave when it said yes. */
interface ConfirmedIdentity {
  readonly loggedInAt: number
  readonly facts: IdentityFacts
  readonly credential: string
  readonly now: number
}
