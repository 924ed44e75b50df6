import { reservedSegments } from '../core/reserved-segments.ts'
import { methodTable } from '../mcp/methods.ts'
import { checkCredential } from './check-credential.ts'
import { problem, type RuleProblem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'

/** The rules for MCP servers: unique names and paths, and settings that fit how each is reached. */
export function checkUpstreams(upstreams: ParsedConfig['upstreams']): RuleProblem[] {
  return upstreams.flatMap((upstream, index) => {
    const earlier = upstreams.slice(0, index)
    const at = ['upstreams', index]
    const problems: RuleProblem[] = []
    if ((upstream.url === undefined) === (upstream.command === undefined)) {
      const message =
        upstream.url === undefined
          ? 'has neither url nor command: give it one of them'
          : 'has both url and command: take one away'
      problems.push(problem(at, message))
    }
    problems.push(...checkKind(upstream, at), ...checkMethods(upstream, at))
    if (earlier.some(({ name }) => name === upstream.name)) {
      problems.push(problem([...at, 'name'], `"${upstream.name}" is taken by an earlier server`))
    }
    const [, first = ''] = upstream.path.split('/')
    if (reservedSegments.has(first)) {
      const message = `must not begin with /${first}, where Portcullis itself answers`
      problems.push(problem([...at, 'path'], message))
    }
    if (earlier.some(({ path }) => path === upstream.path)) {
      const message = `"${upstream.path}" is taken by an earlier server; give each server a path of its own`
      problems.push(problem([...at, 'path'], message))
    }
    return problems
  })
}

/** Settings of the processes of a stdio server. */
const ofProcesses = ['environment', 'processes', 'processesPerCaller', 'memoryMegabytes'] as const

/** Checks what can be known of a server before it is asked. */
function checkKind(
  { url, command, transport, era, principals, credential, ...others }: ParsedConfig['upstreams'][number],
  at: readonly PropertyKey[],
): RuleProblem[] {
  const problems: RuleProblem[] = []
  if (url !== undefined && command === undefined) {
    for (const setting of ofProcesses.filter((one) => !isAbsent(others[one])))
      problems.push(problem([...at, setting], 'works only for a server with a command: take it away'))
  }
  if (command !== undefined && transport !== 'auto') {
    problems.push(problem([...at, 'transport'], 'works only for a server with a url: take it away'))
  }
  if (typeof credential === 'object') {
    const message = 'works only for a server with a url: a stdio server gets its secrets through environment'
    const wrong = command === undefined ? checkCredential(credential) : [['', message] as const]
    for (const [setting, why] of wrong)
      problems.push(problem([...at, 'credential', ...(setting === '' ? [] : [setting])], why))
  }
  if (transport === 'sse' && (era === 'modern' || era === 'both')) {
    problems.push(problem([...at, 'era'], 'must be legacy or auto with transport: sse'))
  }
  if (principals === 'shared' && command === undefined) {
    problems.push(problem([...at, 'principals'], 'works only for a server with a command: take it away'))
  }
  if (principals === 'shared' && era === 'legacy') {
    const message = 'must be isolated for a legacy server, which keeps the state of one user between requests'
    problems.push(problem([...at, 'principals'], message))
  }
  return problems
}

/** Names of methods mean what they say to the letter: one in other letters would be a method beside that of MCP. */
function checkMethods(
  { methods }: ParsedConfig['upstreams'][number],
  at: readonly PropertyKey[],
): RuleProblem[] {
  const lower = new Map(methodTable.map(({ method }) => [method.toLowerCase(), method]))
  return Object.keys(methods).flatMap((name) => {
    const meant = lower.get(name.toLowerCase())
    if (meant === undefined || meant === name) return []
    return [problem([...at, 'methods', name], `is no method of MCP; did you mean ${meant}?`)]
  })
}

/** A list that was left out is empty. */
function isAbsent(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0)
}
