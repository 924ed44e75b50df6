/** Every row belongs to a tenant; times are milliseconds since the epoch; texts of JSON are sealed where secret. */
export interface Schema {
  artifacts: ArtifactTable
  keys: KeyTable
  revocations: RevocationTable
  marks: MarkTable
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
  /** What the one use was answered with, sealed. Kept for a short while. */
  answer: string | null
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
  /** Its place in the line of keys of its algorithm: no two share one. */
  generation: number
  signs_from: number
  ends_at: number | null
}

interface RevocationTable {
  tenant: string
  /** `grant` or `token`. */
  kind: string
  id: string
  revoked_at: number
  expires_at: number
}

/** Facts about the store itself. */
interface MarkTable {
  name: string
  value: string
}
