import type { DescribeArguments } from '../audit/arguments.ts'
import type { ProofPolicy } from '../core/dpop.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import type { FindMethod } from '../mcp/methods.ts'
import type { QuestionKind } from '../mcp/questions.ts'
import type { ObjectRules } from '../policy/object-rules.ts'
import type { Connector, UpstreamCredential } from '../upstream/contract.ts'
import type { UpstreamLimits } from './admission.ts'

/** What callers may do at an MCP server. */
export interface UpstreamPolicy extends ProtectedResource {
  readonly dpop: ProofPolicy
  /** The methods that the server is asked for, with the scopes that they need here. */
  readonly findMethod: FindMethod
  /** The baseline, and every other scope that a request can need here. */
  readonly allScopes: readonly string[]
  /** Undefined where nothing is forbidden. */
  readonly rules: ObjectRules | undefined
  /** Whether the server keeps the tasks of its callers apart, so that what it tells of tasks is its caller's. */
  readonly separatesTasks: boolean
  /** What the server must not ask of clients; undefined where it may ask everything. */
  readonly withheldQuestions: ReadonlySet<QuestionKind> | undefined
  /** What lists show: all that may ever be used, or what the token allows to use now. */
  readonly listing: 'reachable' | 'marked' | 'callable'
}

/** One MCP server behind the gate. */
export interface Upstream extends UpstreamPolicy {
  readonly connector: Connector
  readonly credential: UpstreamCredential
  readonly limits: UpstreamLimits
  /** What the audit keeps of arguments; undefined where it is nothing. */
  readonly describeArguments: DescribeArguments | undefined
}
