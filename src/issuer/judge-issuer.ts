import type { ServerMetadata } from 'openid-client'

/** Something that MCP clients need from an authorization server. */
export interface Ability {
  /** Undefined if the metadata does not say. */
  readonly can: boolean | undefined
  readonly what: string
  /** What to do if it cannot. */
  readonly advice: string
}

const federate =
  'have Portcullis be the authorization server and people sign in at this one (login.providers)'

/** How an issuer is known to treat the parameter `resource`. */
type ResourceHandling = 'refused' | 'ignored' | { readonly honouredWith: string }

/**
 * What an issuer can and cannot do for MCP clients, judging by its metadata and by what is known of its kind.
 */
export function judgeIssuer(metadata: ServerMetadata, resource?: ResourceHandling): Ability[] {
  const has = (member: string, value: string): boolean => {
    const list: unknown = metadata[member]
    return Array.isArray(list) && list.includes(value)
  }
  const canDocuments = metadata['client_id_metadata_document_supported'] === true
  const canRegister = metadata.registration_endpoint !== undefined
  return [
    {
      can: has('code_challenge_methods_supported', 'S256'),
      what: 'PKCE with S256',
      advice: `clients refuse a server that does not: ${federate}`,
    },
    {
      can: canRegister,
      what: 'clients that register themselves (RFC 7591)',
      advice: canDocuments
        ? 'clients of revisions before 2025-11-25 need a client that you register for them'
        : 'register a client for each program and give its users the id',
    },
    {
      can: canDocuments,
      what: 'client ID metadata documents',
      advice: canRegister
        ? 'clients register themselves in their place'
        : `no client gets in by itself: ${federate}`,
    },
    {
      can: metadata.authorization_response_iss_parameter_supported === true,
      what: 'iss in its answers (RFC 9207)',
      advice: 'clients that use several servers have no defence against mix-up',
    },
    {
      can: has('scopes_supported', 'offline_access') || has('grant_types_supported', 'refresh_token'),
      what: 'refresh tokens',
      advice: 'users may have to sign in again whenever an access token ends',
    },
    judgeResource(resource),
  ]
}

/** RFC 8707 defines no metadata for it. */
function judgeResource(resource: ResourceHandling | undefined): Ability {
  const what = 'the parameter resource (RFC 8707)'
  const audiences = 'set issuers[].audiences to what stands in aud'
  if (resource === undefined)
    return {
      can: undefined,
      what,
      advice: `where it refuses the parameter, clients fail; where it ignores it, ${audiences}`,
    }
  if (resource === 'refused')
    return {
      can: false,
      what,
      advice: `it refuses the parameter, which clients send, so they fail: ${federate}`,
    }
  if (resource === 'ignored') return { can: false, what, advice: `it ignores the parameter: ${audiences}` }
  const advice = `it ignores the parameter without ${resource.honouredWith}: turn that on, or ${audiences}`
  return { can: undefined, what, advice }
}

/** One line per ability, for people. */
export function describeAbilities(issuer: string, abilities: readonly Ability[]): string[] {
  return abilities.map(({ can, what, advice }) => {
    if (can === true) return `${issuer}: ${what}: yes`
    return `${issuer}: ${what}: ${can === false ? 'no' : 'not told'}; ${advice}`
  })
}
