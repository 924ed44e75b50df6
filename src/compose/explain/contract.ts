import type { JWTPayload } from 'jose'
import type { JsonObject } from '../../core/json-object.ts'
import type { Principal } from '../../core/principal.ts'
import type { Era } from '../../mcp/revisions.ts'
import type { PolicyJudgement } from '../../policy/policy-contract.ts'

/** The content of a token that nobody has verified. */
export interface Sample {
  readonly claims: JWTPayload
  /** Undefined if only claims are known. */
  readonly header: { readonly typ?: string | undefined; readonly alg?: string | undefined } | undefined
}

/** A call that somebody could make. */
export interface AskedCall {
  readonly method: string
  readonly era: Era
  readonly params: JsonObject
}

/** How a claim contributes to the identity. */
export interface ClaimUse {
  readonly claim: string
  /** What is read from it. */
  readonly attribute: 'scopes' | 'clientId' | 'groups' | 'roles' | 'token'
  /** The setting or standard that causes it to be read. */
  readonly readBy: string
  /**
   * `empty`: present, but with nothing in it. `unusable`: present, but neither a string nor a list of
   * strings.
   */
  readonly state: 'read' | 'absent' | 'empty' | 'unusable'
  /** A claim of the token with a similar name. */
  readonly similar?: string | undefined
}

/** What was read from the token. */
export interface TokenReading {
  /** The position of its issuer in the configuration; undefined if it is not there. */
  readonly issuedBy: string | undefined
  /** Undefined if the token does not say enough. */
  readonly principal: Principal | undefined
  readonly claims: readonly ClaimUse[]
  /** Scopes of the token that mean nothing here. */
  readonly unknownScopes: readonly string[]
  /** How the gateway refuses a token with these claims, and what would fix it. */
  readonly refused: { readonly answer: Answer; readonly mend: readonly string[] } | undefined
  /** What was assumed. */
  readonly assumed: readonly string[]
}

/** The gateway's answer, given instead of the server's. */
interface Answer {
  readonly status: number
  readonly error: string
  readonly why: string
}

/** What one rule says about one object that the call names. */
export interface RuleUse {
  readonly object: string | undefined
  readonly isAllowed: boolean
  /** The list, or the pattern in it, that decides. */
  readonly setting: string
  readonly pattern: string | undefined
  /** How the name was understood, if that is a different spelling. */
  readonly understoodAs: string | undefined
}

/** What policies say about one object that the call names. */
export interface PolicyUse extends PolicyJudgement {
  readonly object: string | undefined
  /** Whether it decides, or is only reported. */
  readonly decides: boolean
}

/** The outcome of a call. */
export interface Verdict {
  /** `challenge`: the client is told which scopes to request. `deny`: no scope would change it. */
  readonly decision: 'allow' | 'challenge' | 'deny'
  /** Undefined if the call goes on to the server. */
  readonly answer: Answer | undefined
  /** Undefined if unknown. */
  readonly needs: readonly string[] | undefined
  /** The scope that would be sufficient for this one tool. */
  readonly orElse: string | undefined
  /** For each needed scope that the token has, the granted scope that implies it. */
  readonly coveredBy: Readonly<Record<string, string>>
  readonly missing: readonly string[]
  /** The scopes that the client is told to request. */
  readonly challenge: readonly string[]
  readonly rules: readonly RuleUse[]
  readonly policies: readonly PolicyUse[]
  readonly mend: readonly string[]
}

/** Why a call would be allowed or not. */
export interface Explanation {
  readonly server: { readonly name: string; readonly resource: string }
  readonly call: AskedCall
  readonly token: TokenReading
  /** The outcome of the call, including its token. */
  readonly decision: Verdict['decision']
  readonly answer: Answer | undefined
  /** The outcome for this identity if the token were valid. Undefined if there is no identity. */
  readonly verdict: Verdict | undefined
  /** What would change the decision. */
  readonly mend: readonly string[]
}
