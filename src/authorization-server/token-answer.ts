import type { KoaContextWithOIDC } from 'oidc-provider'
import { parseScopes } from '../core/scope.ts'
import type { Note } from './notes.ts'

/** What the library says of a proof that is missing or comes again. Its exact version is pinned. */
const proofFault = /DPoP proof JWT (?:not provided|Replay detected)/
/** What it says of a refresh token that is bound to a key, where the proof is of another one, or none came. */
const boundElsewhere = 'failed jkt verification'

/**
 * Says in a token answer what the library leaves unsaid:
 * - `openid` is among the scopes that were granted, where an ID token shows it (RFC 6749 section 5.1);
 * - what was wrong was the proof, and not the grant (RFC 9449 section 5).
 */
export function completeTokenAnswer({ body, headers }: KoaContextWithOIDC, note: Note): void {
  if (typeof body !== 'object' || body === null) return
  const answer = body as Record<string, unknown>
  if (typeof answer['id_token'] === 'string')
    answer['scope'] = ['openid', ...parseScopes(answer['scope'])].join(' ')
  const { reason = '' } = note
  const isOfProof =
    proofFault.test(reason) || (reason.includes(boundElsewhere) && headers['dpop'] === undefined)
  if (answer['error'] !== 'invalid_grant' || !isOfProof) return
  note.error = 'invalid_dpop_proof'
  answer['error'] = note.error
  answer['error_description'] = 'the DPoP proof is missing or was used before'
}
