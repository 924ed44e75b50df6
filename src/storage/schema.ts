/**
 * Every row belongs to a tenant; times are milliseconds since the epoch; JSON texts are sealed if they are
 * secret.
 */
export interface Schema {
  artifacts: ArtifactTable
  keys: KeyTable
  revocations: RevocationTable
  marks: MarkTable
  consents: ConsentTable
  users: UserTable
  passkeys: PasskeyTable
  identities: IdentityTable
  clients: ClientTable
}

/** Codes, tokens, sessions, interactions, grants, clients: what the authorization server has to remember. */
interface ArtifactTable {
  tenant: string
  model: string
  /** A keyed hash: the real id of most of these is a bearer secret. */
  id: string
  payload: string
  grant_id: string | null
  uid: string | null
  user_code: string | null
  account_id: string | null
  client_id: string | null
  consumed_at: number | null
  /** Until when a grant remembers a challenge for more scopes. */
  challenged_until: number | null
  /** The current refresh token of a grant, sealed, and how many preceded it. */
  refresh_token: string | null
  refresh_serial: number | null
  expires_at: number | null
}

interface KeyTable {
  tenant: string
  /** What the key signs. */
  purpose: string
  kid: string
  algorithm: string
  /** The private JWK, sealed. */
  sealed: string
  created_at: number
  /** Its place in the sequence of keys of its algorithm: no two share one. */
  generation: number
  signs_from: number
  ends_at: number | null
}

interface RevocationTable {
  tenant: string
  /** `grant`, `token`, `client` or `user`. */
  kind: string
  id: string
  revoked_at: number
  expires_at: number
}

/** One scope that a user agreed to. */
interface ConsentTable {
  tenant: string
  account_id: string
  client_id: string
  redirect_host: string
  resource: string
  scope: string
  client_digest: string
  expires_at: number
}

/** Clients, registered by themselves or by an operator. */
interface ClientTable {
  tenant: string
  id: string
  /** `dynamic` or `operator`. */
  source: string
  /** RFC 7591 metadata, sealed. */
  metadata: string
  secret_hash: string | null
  created_at: number
  used_at: number | null
  expires_at: number | null
}

/** Facts about the store itself. */
interface MarkTable {
  name: string
  value: string
}

/** Users who log in here. */
interface UserTable {
  tenant: string
  id: string
  /** As it was typed when the user was added. */
  name: string
  /** The normalised name that is used for comparison. */
  name_key: string
  display_name: string
  /** Null for an invited user who has not chosen a password. */
  password_hash: string | null
  created_at: number
  disabled_at: number | null
  /** Logins from before this time are no longer valid. */
  logins_since: number
  /** Failed attempts, and when the last one was. */
  failures: number
  failed_at: number
  locked_until: number
  /** The identity provider that vouches for them; null for users with a password here. */
  provider: string | null
}

/** Who a user is at an identity provider. */
interface IdentityTable {
  tenant: string
  issuer: string
  subject: string
  user_id: string
  /** What the provider said of them, as JSON. */
  facts: string
  /** The secret with which it can be asked again, sealed. */
  credential: string | null
  logged_in_at: number
  asked_at: number
  confirmed_at: number
}

interface PasskeyTable {
  tenant: string
  /** The credential id, in base64url. */
  id: string
  user_id: string
  name: string
  /** COSE, in base64url. */
  public_key: string
  counter: number
  created_at: number
  used_at: number | null
}
