import type { ResourceDirectory } from '../../core/protected-resource.ts'
import { parseScopes } from '../../core/scope.ts'
import type { Note } from '../notes.ts'
import { canonicalResources } from './canonical-resources.ts'
import { dropOfflineAccess } from './offline-access.ts'

/** The parameters of an authorization request; a list if one was sent more than once. Untrusted. */
export type RequestParameters = Readonly<Record<string, string | string[] | undefined>>

/**
 * Fills in what an authorization request left out, and rewrites the resource in its canonical form. The same
 * for a request in a URL, a pushed one (RFC 9126) and one of a device (RFC 8628). A parameter without a value
 * counts as left out (RFC 6749 section 3.1), and so does a scope that is only `offline_access`.
 */
export function completeRequest(
  resources: ResourceDirectory,
  parameters: RequestParameters,
  note: Note,
): RequestParameters {
  const completed = Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ''))
  const { prompt } = completed
  // Nobody is redirected before they have seen a page of ours, since anyone can register an address.
  if (prompt === 'none') delete completed['prompt']
  else if (typeof prompt === 'string') completed['prompt'] = selectByLogin(prompt)
  const canonical = canonicalResources(resources, [completed['resource'] ?? []].flat(), note)
  delete completed['resource']
  if (canonical.length > 0) completed['resource'] = canonical.length === 1 ? canonical[0] : canonical
  const resource = canonical[0] === undefined ? resources.fallback : resources.find(canonical[0])
  const { scope } = completed
  // A duplicate is left for the library to refuse.
  if (typeof scope === 'string') completed['scope'] = dropOfflineAccess(scope) || undefined
  if (completed['scope'] === undefined && resource !== undefined)
    completed['scope'] = resource.baselineScopes.join(' ')
  if (parseScopes(completed['scope']).includes('openid')) keepMaxAge(completed)
  else doWithoutOpenId(completed)
  // The other modes answer with a script, or in a place where a script of the client reads it.
  const mode = completed['response_mode']
  if (typeof mode === 'string' && mode !== 'query') completed['response_mode'] = 'unsupported'
  return completed
}

/**
 * The library takes a `max_age` of 0 for `prompt=login`, which a device cannot ask for (RFC 8628 section 3.1):
 * nothing would be left of it. The next larger one means the same for a user who types a code in between.
 */
function keepMaxAge(parameters: Record<string, string | string[] | undefined>): void {
  const { max_age: maxAge, response_type: responseType } = parameters
  if (responseType === undefined && typeof maxAge === 'string' && Number(maxAge) === 0)
    parameters['max_age'] = '1'
}

/** They are for an ID token, and mean nothing without one; some libraries send them with every request. */
const forIdToken = ['nonce', 'acr_values', 'claims_locales']

/**
 * Changes parameters of OpenID Connect that the library refuses in a request without `openid`: they are
 * ignored (RFC 6749 section 3.1), except that a client which wants a recent login (RFC 9470 section 4) has its
 * user sign in, since no login is more recent. The library refuses what is left: a `max_age` of a device, which
 * cannot ask for a login, and one that is no number.
 */
function doWithoutOpenId(parameters: Record<string, string | string[] | undefined>): void {
  for (const name of forIdToken) if (typeof parameters[name] === 'string') delete parameters[name]
  const { max_age: maxAge, prompt = '', response_type: responseType } = parameters
  if (typeof prompt !== 'string' || responseType === undefined) return
  if (typeof maxAge !== 'string' || !/^\d+$/.test(maxAge)) return
  delete parameters['max_age']
  parameters['prompt'] = [...new Set([...prompt.split(' ').filter(Boolean), 'login'])].join(' ')
}

/**
 * A browser has one account here at a time, so a user selects another one by signing in (OpenID Connect Core
 * section 3.1.2.1).
 */
function selectByLogin(prompt: string): string {
  return prompt
    .split(' ')
    .map((one) => (one === 'select_account' ? 'login' : one))
    .join(' ')
}

/** `completeRequest` for a form. */
export function completeForm(resources: ResourceDirectory, text: string, note: Note): string {
  const form = new URLSearchParams(text)
  const parameters: Record<string, string | string[]> = {}
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name)
    parameters[name] = values.length === 1 ? (values[0] as string) : values
  }
  const completed = new URLSearchParams()
  for (const [name, value] of Object.entries(completeRequest(resources, parameters, note)))
    for (const one of [value ?? []].flat()) completed.append(name, one)
  return completed.toString()
}
