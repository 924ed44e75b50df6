import type { JWTPayload } from 'jose'
import type { Principal } from '../../core/principal.ts'
import type { JsonObject } from '../../mcp/json.ts'
import type { Era } from '../../mcp/revisions.ts'

/** The content of a token that nobody has verified. */
export interface Sample {
  readonly claims: JWTPayload
  /** Undefined where claims alone are known. */
  readonly header: { readonly typ?: string | undefined; readonly alg?: string | undefined } | undefined
}

/** A call that somebody could make. */
export interface AskedCall {
  readonly method: string
  readonly era: Era
  readonly params: JsonObject
}

/** What a claim does for the identity. */
export interface ClaimUse {
  readonly claim: string
  /** What is read from it. */
  readonly attribute: 'scopes' | 'clientId' | 'groups' | 'roles' | 'token'
  /** The setting that has it read, or who says so. */
  readonly readBy: string
  /** `empty`: there, with nothing in it. `unusable`: there, but neither a text nor a list of texts. */
  readonly state: 'read' | 'absent' | 'empty' | 'unusable'
  /** A claim of the token with a name that is nearly the same. */
  readonly similar?: string | undefined
}

/** What is read of the token. */
export interface TokenReading {
  /** Where its issuer stands in the configuration; undefined where it does not. */
  readonly issuedBy: string | undefined
  /** Undefined where the token does not say enough for one. */
  readonly principal: Principal | undefined
  readonly claims: readonly ClaimUse[]
  /** Scopes of the token that stand for nothing here. */
  readonly unknownScopes: readonly string[]
  /** What the gateway refuses a token with that says this, and what mends it. */
  readonly refused: { readonly answer: Answer; readonly mend: readonly string[] } | undefined
  /** What has been taken for granted. */
  readonly assumed: readonly string[]
}

/** What the gateway answers in place of the server. */
interface Answer {
  readonly status: number
  readonly error: string
  readonly why: string
}

/** What one rule says of one object that the call names. */
export interface RuleUse {
  readonly object: string | undefined
  readonly isAllowed: boolean
  /** The list, or the pattern in it, that decides. */
  readonly setting: string
  readonly pattern: string | undefined
  /** How the name was understood, where that is another spelling of it. */
  readonly understoodAs: string | undefined
}

/** What becomes of a call. */
export interface Verdict {
  /** `challenge`: the client is told which scopes to ask for. `deny`: no scope would change it. */
  readonly decision: 'allow' | 'challenge' | 'deny'
  /** Undefined where the call goes on to the server. */
  readonly answer: Answer | undefined
  /** Undefined where that cannot be known. */
  readonly needs: readonly string[] | undefined
  /** The scope that would be enough for this one tool. */
  readonly orElse: string | undefined
  /** For each needed scope that the token has, the granted one that stands for it. */
  readonly coveredBy: Readonly<Record<string, string>>
  readonly missing: readonly string[]
  /** What the client is told to ask for. */
  readonly challenge: readonly string[]
  readonly rules: readonly RuleUse[]
  readonly mend: readonly string[]
}

/** Why a call would be let pass, or not. */
export interface Explanation {
  readonly server: { readonly name: string; readonly resource: string }
  readonly call: AskedCall
  readonly token: TokenReading
  /** What becomes of the call, the token included. */
  readonly decision: Verdict['decision']
  readonly answer: Answer | undefined
  /** What becomes of it for this identity, were the token good. Undefined where there is no identity. */
  readonly verdict: Verdict | undefined
  /** What would change the decision. */
  readonly mend: readonly string[]
}
