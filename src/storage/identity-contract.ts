import type { User } from './contract.ts'

/** What an identity provider said of one of its users, as far as it is used here. */
export interface IdentityFacts {
  readonly displayName: string
  readonly email: string | undefined
  /** The domain that the provider vouches for: of a verified address, or of the organisation. */
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
  /** With what the provider can be asked again, a secret; undefined where it gave nothing. */
  readonly credential: string | undefined
  /** 0 where the provider has said no since. */
  readonly loggedInAt: number
  /** When the provider was last asked, and when it last said yes. */
  readonly askedAt: number
  readonly confirmedAt: number
}

/** Somebody who has just logged in at a provider. */
interface ProviderLogin {
  /** The user to be, where there is none yet for issuer and subject. */
  readonly user: User
  readonly nameKey: string
  readonly issuer: string
  readonly subject: string
  readonly facts: IdentityFacts
  readonly credential: string | undefined
  readonly now: number
}

/** Who is whom at the identity providers, for one tenant. Nobody is found by anything but issuer and subject together. */
export interface IdentityStore {
  /**
   * Finds the user of an issuer and subject, or makes one: of many logins at once, one. Notes the login, and keeps the
   * credential of before where the provider gave none.
   */
  enter(login: ProviderLogin): Promise<User>
  /** The user of an issuer and subject who have logged in before. */
  findUser(issuer: string, subject: string): Promise<User | undefined>
  findByUser(userId: string): Promise<LinkedIdentity | undefined>
  /** What the providers said last of all users, by the ids of these. */
  listFacts(): Promise<ReadonlyMap<string, IdentityFacts>>
  /**
   * Notes that the provider is being asked, in one conditional update, unless somebody has asked since `askedAt` was
   * read. Returns whether this call did it: of many at once, one.
   */
  claimQuestion(userId: string, askedAt: number, now: number): Promise<boolean>
  /** Notes that the provider said yes, unless the user has logged in anew since `loggedInAt` was read. */
  confirm(userId: string, answer: ConfirmedIdentity): Promise<void>
  /**
   * Notes that the provider said no, unless the user has logged in anew since `loggedInAt` was read: forgets the credential,
   * and their logins until now no longer count, by themselves or for another question.
   */
  refuse(userId: string, refusal: { readonly loggedInAt: number; readonly now: number }): Promise<void>
}

/** What a provider gave with its yes. */
interface ConfirmedIdentity {
  readonly loggedInAt: number
  readonly facts: IdentityFacts
  readonly credential: string
  readonly now: number
}
