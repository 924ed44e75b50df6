import type { Principal } from '../core/principal.ts'
import type { NamedObject } from '../mcp/objects.ts'

/** What policies say about one caller and one object. */
export interface PolicyJudgement {
  /** `forbidden` by some policy, whatever else permits it; `unpermitted`: no policy permits it. */
  readonly verdict: 'permitted' | 'forbidden' | 'unpermitted'
  /** The names of the policies that permit or forbid it. */
  readonly decisive: readonly string[]
  /**
   * What could not be evaluated and why, without values of arguments: a permit then permits nothing, and a forbid
   * forbids.
   */
  readonly obstacles: readonly string[]
  /** The spelling of a URI that decides, if it is another one. */
  readonly understoodAs?: string | undefined
}

/** A group or a role. */
export interface Membership {
  readonly type: 'Group' | 'Role'
  readonly id: string
}

/** Who has a role, beside those whose tokens say so. */
export interface RoleMembers {
  readonly users: readonly string[]
  readonly groups: readonly string[]
  readonly clients: readonly string[]
}

/** Which callers may use which tools, resources and prompts of one server. */
export interface ServerPolicies {
  /** Whether a decision needs to know what a tool or a prompt is called with. */
  readonly readsArguments: boolean
  /** The groups and roles that permits name, and in which the caller is not. */
  lackedBy(principal: Principal): readonly Membership[]
  /**
   * Judges the use of an object. Without its arguments, it says whether any arguments could be permitted.
   * Principals are verified, objects untrusted.
   */
  judge(principal: Principal, object: NamedObject): PolicyJudgement
}

/** The policies of an installation. */
export interface Policies {
  /** Whether they decide, or only report what they would refuse. */
  readonly mode: 'enforce' | 'report'
  of(server: string): ServerPolicies
}
