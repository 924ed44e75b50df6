import type { ProofPolicy } from '../core/dpop.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import type { Connector } from '../upstream/contract.ts'
import type { UpstreamLimits } from './admission.ts'

/** One MCP server behind the gate. */
export interface Upstream extends ProtectedResource {
  readonly connector: Connector
  /** The audience of the identity tokens that the gateway sends it; undefined where it sends none. */
  readonly identityAudience: string | undefined
  readonly dpop: ProofPolicy
  readonly limits: UpstreamLimits
}
