import type { z } from 'zod'
import { closest } from '../closest.ts'

type Issue = Parameters<z.core.$ZodErrorMap>[0]

const listExamples: ReadonlyMap<PropertyKey | undefined, string> = new Map([
  ['command', '[node, server.js]'],
  ['environment', '[API_TOKEN]'],
  ['allow', '["read_*"]'],
  ['deny', '["delete_*"]'],
  ['redirectUris', '[https://app.example.com/callback]'],
  ['grantTypes', '[client_credentials]'],
  ['scopes', '[mcp:tools]'],
  ['baselineScopes', '[mcp:tools]'],
])

/**
 * The message of an issue that zod found, for operators; undefined if the schema has a text of its own. Never
 * reveals a value, which may be a secret.
 */
export function issueMessage(issue: Issue): string | undefined {
  if (issue.code === 'invalid_value') return choiceMessage(issue.values.map(String), issue.input)
  if (issue.code === 'invalid_type') return typeMessage(issue.expected, issue.input, issue.path?.at(-1))
  if (issue.code === 'too_small' && isCounted(issue.origin))
    return Number(issue.minimum) === 1
      ? 'must not be empty'
      : `must have at least ${issue.minimum} ${counted(issue.origin)}`
  if (issue.code === 'too_big' && isCounted(issue.origin))
    return `must have at most ${issue.maximum} ${counted(issue.origin)}`
  return undefined
}

function choiceMessage(values: readonly string[], input: unknown): string {
  const choice = values.length === 1 ? values.join('') : `one of ${values.join(', ')}`
  if (input === undefined) return `is missing: give ${choice}`
  const close = typeof input === 'string' ? closest(input, values) : undefined
  return `must be ${choice}${close === undefined ? '' : `; did you mean ${close}?`}`
}

function typeMessage(expected: string, input: unknown, key: PropertyKey | undefined): string | undefined {
  if (input === undefined) return 'is missing: give it a value'
  if (input === null) return 'must not be empty: give it a value, or take it away'
  if (expected === 'array') return `must be a list, such as ${listExamples.get(key) ?? '[one, two]'}`
  if (expected === 'object' || expected === 'record') return 'must hold settings, each with its name: a value'
  if (expected === 'boolean') return 'must be true or false'
  if (expected !== 'string') return undefined
  return typeof input === 'object' ? 'must be a text' : 'must be a text: put it in quotes'
}

function isCounted(origin: string): boolean {
  return origin === 'string' || origin === 'array'
}

function counted(origin: string): string {
  return origin === 'string' ? 'characters' : 'items'
}
