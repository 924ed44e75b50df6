import type { KoaContextWithOIDC } from 'oidc-provider'
import { parseScopes } from '../../core/scope.ts'
import type { Note } from '../notes.ts'

/** The library's message about a proof that is missing or repeated. Its exact version is pinned. */
const proofFault = /DPoP proof JWT (?:not provided|Replay detected)/
/**
 * Its message about a refresh token that is bound to a key, if the proof has another key, or there is none.
 */
const boundElsewhere = 'failed jkt verification'

/**
 * Adds to a token answer what the library omits:
 * - `openid` is among the granted scopes, if an ID token shows it (RFC 6749 section 5.1);
 * - the error is the proof's and not the grant's (RFC 9449 section 5).
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
