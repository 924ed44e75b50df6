import { reservedSegments } from '../../core/reserved-segments.ts'
import { methodTable } from '../../mcp/methods.ts'
import { problem, type RuleProblem, within } from '../problems.ts'
import type { UpstreamConfig } from '../schema.ts'
import { checkCredential } from './check-credential.ts'
import { duplicates } from './duplicates.ts'

/** The rules for MCP servers: unique names and paths, and settings that fit how each is reached. */
export function checkUpstreams(upstreams: readonly UpstreamConfig[]): RuleProblem[] {
  const takenNames = duplicates(upstreams.map(({ name }) => name))
  const takenPaths = duplicates(upstreams.map(({ path }) => path))
  return upstreams.flatMap((upstream, index) => {
    const { name, path } = upstream
    const problems = [...checkAddress(upstream), ...checkKind(upstream), ...checkMethods(upstream)]
    if (takenNames.has(index)) problems.push(problem(['name'], `"${name}" is taken by an earlier server`))
    const [, first = ''] = path.split('/')
    if (reservedSegments.has(first)) {
      problems.push(problem(['path'], `must not begin with /${first}, where Portcullis itself answers`))
    }
    if (takenPaths.has(index)) {
      const message = `"${path}" is taken by an earlier server; give each server a path of its own`
      problems.push(problem(['path'], message))
    }
    return within(['upstreams', index], problems)
  })
}

function checkAddress({ url, command }: UpstreamConfig): RuleProblem[] {
  if ((url === undefined) !== (command === undefined)) return []
  const neither = 'has neither url nor command: give it one of them'
  return [problem([], url === undefined ? neither : 'has both url and command: take one away')]
}

/** Settings of the processes of a stdio server. */
const ofProcesses = ['environment', 'processes', 'processesPerCaller', 'memoryMegabytes'] as const

/** Checks what can be known of a server before it is asked. */
function checkKind({
  url,
  command,
  transport,
  era,
  principals,
  credential,
  ...others
}: UpstreamConfig): RuleProblem[] {
  const problems: RuleProblem[] = []
  if (url !== undefined && command === undefined) {
    for (const setting of ofProcesses.filter((one) => !isAbsent(others[one])))
      problems.push(problem([setting], 'works only for a server with a command: take it away'))
  }
  if (command !== undefined && transport !== 'auto') {
    problems.push(problem(['transport'], 'works only for a server with a url: take it away'))
  }
  if (typeof credential === 'object') {
    const message = 'works only for a server with a url: a stdio server gets its secrets through environment'
    const wrong = command === undefined ? checkCredential(credential) : [problem([], message)]
    problems.push(...within(['credential'], wrong))
  }
  if (transport === 'sse' && (era === 'modern' || era === 'both')) {
    problems.push(problem(['era'], 'must be legacy or auto with transport: sse'))
  }
  if (principals === 'shared' && command === undefined) {
    problems.push(problem(['principals'], 'works only for a server with a command: take it away'))
  }
  if (principals === 'shared' && era === 'legacy') {
    const message = 'must be isolated for a legacy server, which keeps the state of one user between requests'
    problems.push(problem(['principals'], message))
  }
  return problems
}

const byLowerCase = new Map(methodTable.map(({ method }) => [method.toLowerCase(), method]))

/** Names of methods mean what they say to the letter: one in other letters would be a method beside that of MCP. */
function checkMethods({ methods }: UpstreamConfig): RuleProblem[] {
  return Object.keys(methods).flatMap((name) => {
    const meant = byLowerCase.get(name.toLowerCase())
    if (meant === undefined || meant === name) return []
    return [problem(['methods', name], `is no method of MCP; did you mean ${meant}?`)]
  })
}

/** A list that was left out is empty. */
function isAbsent(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0)
}
