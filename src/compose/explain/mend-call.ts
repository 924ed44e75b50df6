import type { Refusal } from '../../core/errors.ts'
import type { Principal } from '../../core/principal.ts'
import { findMethod } from '../../mcp/methods.ts'
import type { AskedCall, PolicyUse, RuleUse } from './contract.ts'
import type { Server } from './rules-for.ts'

interface Context {
  readonly server: Server
  readonly rules: readonly RuleUse[]
  readonly policies: readonly PolicyUse[]
  readonly principal: Principal
  readonly challenge: readonly string[]
  readonly orElse: string | undefined
}

/** What would turn a refused call into an allowed one. */
export function mendCall(
  refusal: Refusal,
  asked: AskedCall,
  { server, rules, policies, principal, challenge, orElse }: Context,
): string[] {
  const { code } = refusal
  if (code === 'scope_insufficient')
    return [
      `a token with the scopes that the client is told to ask for: ${challenge.join(' ')}`,
      ...(orElse === undefined ? [] : [`or with ${orElse}, for this tool alone`]),
    ]
  if (code === 'object_denied')
    return [...rules.filter(({ isAllowed }) => !isAllowed).map(forbids), 'no scope changes that']
  if (code === 'policy_denied')
    return [
      ...policies.flatMap(describeDenial),
      ...(policies.some(({ verdict }) => verdict === 'unpermitted') ? lackedBy(principal, server) : []),
      'no scope changes that',
    ]
  if (code === 'params_invalid') return ['the params do not tell what is asked for: give them with --params']
  return [unknown(asked, server)]
}

function forbids({ object, setting, pattern, understoodAs }: RuleUse): string {
  if (object === undefined) return 'the call names no object, and rules let pass what they know alone'
  const name = understoodAs === undefined ? object : `${object}, understood as ${understoodAs},`
  return pattern === undefined
    ? `${name} matches nothing in ${setting}`
    : `${name} matches ${JSON.stringify(pattern)} in ${setting}`
}

function describeDenial({
  object = 'no name',
  verdict,
  decisive,
  obstacles,
  understoodAs,
}: PolicyUse): string[] {
  if (verdict === 'permitted') return []
  const name = understoodAs === undefined ? object : `${object}, understood as ${understoodAs},`
  const cause =
    verdict === 'forbidden' ? `${name} is forbidden by ${decisive.join(', ')}` : `no policy permits ${name}`
  return [cause, ...obstacles]
}

/** The groups and roles that could be what is missing. */
function lackedBy(principal: Principal, { upstream: { policies } }: Server): string[] {
  const lacked = policies?.lackedBy(principal) ?? []
  if (lacked.length === 0) return []
  const names = lacked.map(({ type, id }) => `${type}::"${id}"`)
  return [`policies name groups and roles in which the caller is not: ${names.join(', ')}`]
}

function unknown({ method, era }: AskedCall, { path }: Server): string {
  const other = era === 'modern' ? 'legacy' : 'modern'
  const kind = method.startsWith('notifications/') ? 'notification' : 'request'
  if (method === 'tasks/list' && findMethod(method, kind, era) !== undefined)
    return `tasks are listed where the server keeps those of its callers apart: ${path}.separatesTasks`
  if (findMethod(method, kind, other) !== undefined)
    return `MCP has ${method} in the ${other} era alone: --era ${other}`
  return `MCP has no ${method}: where the server has, ${path}.methods gives it scopes`
}
