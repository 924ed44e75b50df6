import { createRequire } from 'node:module'
import type * as cedar from '@cedar-policy/cedar-wasm/nodejs'

const load = createRequire(import.meta.url)

/** The Cedar engine. Its four megabytes are loaded where there are policies, and nowhere else. */
export function engine(): typeof cedar {
  return load('@cedar-policy/cedar-wasm/nodejs') as typeof cedar
}

/** What the engine says about a text or a policy. */
export type CedarError = cedar.DetailedError

/** An error of the engine in one line. */
export function describeError({ message, help, sourceLocations }: CedarError): string {
  const label = sourceLocations?.[0]?.label
  return [message, label, help].filter((part) => typeof part === 'string' && part !== '').join('; ')
}

/** What the engine may say of a call, of which it otherwise quotes names and values. */
const quotesNothing =
  /^(?:type error: .*|record does not have the attribute `.*`|integer overflow|error while evaluating `\w+` extension function)/s

/** Why a policy cannot be evaluated for a call, without anything that the caller wrote. */
export function describeFailure({ message }: CedarError): string {
  return quotesNothing.exec(message)?.[0] ?? 'something else'
}

/** A failure of the engine, which policies that were checked do not cause. */
export function engineFailed(errors: readonly CedarError[]): Error {
  return new Error(`the policy engine failed: ${errors.map(describeError).join('; ')}`)
}
