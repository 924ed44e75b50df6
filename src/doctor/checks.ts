import { callChecks } from './checks/calls.ts'
import { discoveryChecks } from './checks/discovery.ts'
import { signInChecks } from './checks/sign-in.ts'
import type { Check, Need } from './contract.ts'

/** All checks of doctor, in the order in which they are made. */
export const checks = { ...discoveryChecks, ...signInChecks, ...callChecks } satisfies Record<string, Check>

/** The name of a check. */
export type CheckName = keyof typeof checks

/** Why a check could not be made, by what was missing. */
export const reasons: Readonly<Record<Need, string>> = {
  resource: 'there is no usable resource metadata',
  server: 'there is no usable metadata of an authorization server',
  client: 'there is no client to continue with',
  login: 'nobody signed in: add --login',
  token: 'there is no access token: add --login, --token or --client-id with --client-secret',
  refresh: 'there is no refresh token',
}

/** The check with a given name. */
export function checkOf(name: CheckName): Check {
  return checks[name]
}
