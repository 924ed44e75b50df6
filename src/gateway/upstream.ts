import type { ProofPolicy } from '../core/dpop.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import type { Connector, UpstreamCredential } from '../upstream/contract.ts'

/** One MCP server behind the gate. */
export interface Upstream extends ProtectedResource {
  readonly connector: Connector
  readonly credential: UpstreamCredential
  readonly dpop: ProofPolicy
}
