import {
  type Authentication,
  operatorMetadata,
} from '../authorization-server/registration/operator-client.ts'
import type { Problem } from '../config/problems.ts'
import { authenticatedGrantTypes, clientGrantTypes } from '../config/schema/client-schema.ts'
import { publicKeysProblem } from '../core/public-keys.ts'
import { redirectProblem } from '../core/redirect-uri.ts'
import { parseScopes } from '../core/scope.ts'
import type { ScopeCatalogue } from '../core/scope-catalogue.ts'
import { OperandWrong } from './operand-wrong.ts'
import { readJsonFile } from './read-file.ts'

/** The input of `portcullis client add`. */
export interface AddFlags {
  readonly name: string
  readonly redirectUri: readonly string[]
  readonly grant: readonly string[]
  readonly scope: readonly string[]
  readonly public?: boolean
  readonly secret?: boolean
  readonly jwks?: string
  readonly requireDpop?: boolean
  readonly requirePushedRequests?: boolean
}

/** The metadata of a client as described by the flags. Throws OperandWrong with every problem. */
export function newClientMetadata(
  id: string,
  flags: AddFlags,
  { privateUse, catalogue }: { readonly privateUse: readonly string[]; readonly catalogue: ScopeCatalogue },
): Readonly<Record<string, unknown>> {
  const problems: Problem[] = []
  const wrong = (path: string, message: string): unknown => problems.push({ path, message })
  const redirectUris = flags.redirectUri
  const forUsers = redirectUris.length > 0
  const grantTypes =
    flags.grant.length > 0
      ? flags.grant
      : forUsers
        ? ['authorization_code', 'refresh_token']
        : ['client_credentials']
  const authenticated = grantTypes.find((type) => authenticatedGrantTypes.has(type))
  const forMachines = authenticated !== undefined
  const scopes = flags.scope.length === 0 ? undefined : parseScopes(flags.scope.join(' '))

  for (const grant of grantTypes.filter((name) => !isGrantType(name)))
    wrong('--grant', `${grant} is not one of ${clientGrantTypes.join(', ')}`)
  for (const uri of redirectUris) {
    const problem = redirectProblem(uri, privateUse)
    if (problem !== undefined) wrong('--redirect-uri', `${uri} ${problem}`)
  }
  if (grantTypes.includes('authorization_code') && !forUsers)
    wrong('--redirect-uri', 'is required for authorization_code')
  if (flags.name.trim() === '') wrong('--name', 'must not be empty: it is what users see')
  if (scopes === undefined && grantTypes.includes('client_credentials')) {
    const since = flags.grant.length > 0 ? '' : ', the grant of a program without --redirect-uri'
    wrong('--scope', `is required for client_credentials${since}: no user is asked what it may do`)
  }
  if (scopes?.length === 0) wrong('--scope', 'name at least one scope')
  for (const scope of (scopes ?? []).filter((one) => !catalogue.knows(one)))
    wrong('--scope', `${scope} is neither an MCP scope nor defined under scopes in the configuration`)
  const chosen = [flags.public, flags.secret, flags.jwks].filter(Boolean).length
  if (chosen > 1) wrong('--public, --secret, --jwks', 'are alternatives: give one of them')
  if (flags.public === true && forMachines)
    wrong('--public', `cannot be used with ${authenticated}: use --secret or --jwks`)
  const jwks = flags.jwks === undefined ? undefined : readKeys(flags.jwks, wrong)
  if (problems.length > 0) throw new OperandWrong(problems)

  const asked: Authentication =
    jwks !== undefined
      ? 'private_key_jwt'
      : flags.secret === true || forMachines
        ? 'client_secret_basic'
        : 'none'
  const requirement = (flag: boolean | undefined) => (flag === true ? 'required' : 'optional')
  return operatorMetadata(
    {
      id,
      name: flags.name,
      redirectUris,
      grantTypes,
      scopes,
      jwks,
      dpop: requirement(flags.requireDpop),
      pushedRequests: requirement(flags.requirePushedRequests),
    },
    asked,
  )
}

function isGrantType(name: string): boolean {
  return (clientGrantTypes as readonly string[]).includes(name)
}

function readKeys(
  file: string,
  wrong: (path: string, message: string) => unknown,
): { keys: object[] } | undefined {
  const read = readJsonFile(file)
  if ('problem' in read) {
    wrong('--jwks', read.problem)
    return undefined
  }
  const problem = publicKeysProblem(read.content)
  if (problem !== undefined) wrong('--jwks', `${file} ${problem}`)
  return read.content as { keys: object[] }
}
