import type { DescribeArguments } from '../audit/arguments.ts'
import type { ProofPolicy } from '../core/dpop.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import type { Omission } from '../mcp/json.ts'
import type { FindMethod } from '../mcp/methods.ts'
import type { QuestionKind } from '../mcp/questions.ts'
import type { Restrictions } from '../policy/decide.ts'
import type { ServerPolicies } from '../policy/policy-contract.ts'
import type { Connector, UpstreamCredential } from '../upstream/contract.ts'
import type { UpstreamLimits } from './admission.ts'

/** What callers may do at an MCP server. */
export interface UpstreamPolicy extends ProtectedResource, Restrictions {
  readonly dpop: ProofPolicy
  /** The methods that the server supports, with the scopes that they need here. */
  readonly findMethod: FindMethod
  /** The baseline, and every other scope that a request can need here. */
  readonly allScopes: readonly string[]
  /** Policies that do not decide: what they would refuse is reported. */
  readonly proposed: ServerPolicies | undefined
  /** What of a message decides nothing here, and is not built. */
  readonly payload: Omission
  /**
   * Whether the server keeps its callers' tasks apart, so that what it tells a caller about tasks concerns
   * that caller's.
   */
  readonly separatesTasks: boolean
  /** What the server must not ask of clients; undefined if it may ask anything. */
  readonly withheldQuestions: ReadonlySet<QuestionKind> | undefined
  /**
   * What lists show: everything that may ever be used, the same with missing scopes marked, or only what
   * the token allows now.
   */
  readonly listing: 'reachable' | 'marked' | 'callable'
}

/** One MCP server behind the gateway. */
export interface Upstream extends UpstreamPolicy {
  readonly connector: Connector
  readonly credential: UpstreamCredential
  readonly limits: UpstreamLimits
  /** What the audit keeps of arguments; undefined if nothing. */
  readonly describeArguments: DescribeArguments | undefined
}
