import { errorKinds } from '../../core/errors.ts'
import { errorOf, type Json } from '../conversation/json-rpc.ts'

const { rpc, message } = errorKinds.era_unbridgeable

/** The answer to a request that has no counterpart in the other era. `what` must not contain foreign text. */
export function unbridgeable(id: unknown, what: string): Json {
  return errorOf(id, rpc, `${message}: ${what}`, { code: 'era_unbridgeable' })
}
