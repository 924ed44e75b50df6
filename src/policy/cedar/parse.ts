import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { type CedarError, describeError, engine, engineFailed } from './engine.ts'

/** A file with policies. Written by the operator. */
export interface PolicyText {
  readonly file: string
  readonly text: string
}

/** One policy. */
export interface ParsedPolicy {
  /** What it is called in logs: its `@id`, or its place. */
  readonly name: string
  /** The position of its file in the list. */
  readonly index: number
  readonly text: string
  readonly json: PolicyJson
  /** The position in the file of something in the policy, such as `team.cedar:12:3`. `start` counts bytes. */
  readonly placeOf: (start: number) => string
}

/** What is wrong, with the position in the file. */
export interface PolicyProblem {
  /** The position of the file in the list. */
  readonly index: number
  readonly message: string
}

/** Reads policies in the order in which they are written. Returns what is wrong as well. */
export function parsePolicies(texts: readonly PolicyText[]): {
  readonly policies: readonly ParsedPolicy[]
  readonly problems: readonly PolicyProblem[]
} {
  const policies: ParsedPolicy[] = []
  const problems: PolicyProblem[] = []
  const taken = new Set<string>()
  for (const [index, { file, text }] of texts.entries()) {
    const place = (start: number): string => `${file}:${positionIn(text, start)}`
    const refuse = (start: number, message: string): unknown =>
      problems.push({ index, message: `${place(start)}: ${message}` })
    const parts = engine().policySetTextToParts(text)
    if (parts.type === 'failure') {
      for (const error of parts.errors) refuse(startOf(error), describeError(error))
      continue
    }
    for (const template of parts.policy_templates)
      refuse(
        startIn(text, template),
        'a template (?principal, ?resource) is linked by nothing: write a policy',
      )
    for (const { part, start } of inOrder(text, parts.policies)) {
      const read = engine().policyToJson(part)
      if (read.type === 'failure') {
        for (const error of read.errors) refuse(start + startOf(error), describeError(error))
        continue
      }
      const id = read.json.annotations?.['id']
      const name = id === undefined || id === '' ? place(start) : id
      if (taken.has(name)) refuse(start, `the @id "${name}" is taken by an earlier policy`)
      taken.add(name)
      const placeOf = (inPart: number): string => place(start + inPart)
      policies.push({ name, index, text: part, json: read.json, placeOf })
    }
    if (parts.policies.length === 0) problems.push({ index, message: `${file} has no policy in it` })
  }
  return { policies, problems }
}

/** Where an error is, in bytes. */
export function startOf({ sourceLocations }: CedarError): number {
  return sourceLocations?.[0]?.start ?? 0
}

/** The engine sorts policies by a number as text. */
function inOrder(
  text: string,
  parts: readonly string[],
): { readonly part: string; readonly start: number }[] {
  const next = new Map<string, number>()
  return parts
    .map((part) => {
      const at = text.indexOf(part, next.get(part))
      next.set(part, at + part.length)
      return { part, start: Buffer.byteLength(text.slice(0, at)) }
    })
    .toSorted((left, right) => left.start - right.start)
}

function startIn(text: string, part: string): number {
  return Buffer.byteLength(text.slice(0, text.indexOf(part)))
}

/** Line and column of a byte, counted from 1. */
function positionIn(text: string, start: number): string {
  const lines = Buffer.from(text).subarray(0, start).toString().split('\n')
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`
}

/** A policy in one line, without comments. */
export function writePolicy(policy: PolicyJson): string {
  const written = engine().policyToText(policy)
  if (written.type === 'failure') throw engineFailed(written.errors)
  return written.text.replaceAll(/\n\s*/g, ' ')
}
