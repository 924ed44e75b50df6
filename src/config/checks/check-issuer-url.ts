import { isLoopbackHost } from '../../core/resource.ts'
import type { ValueForm } from '../issuer-presets.ts'

/**
 * What is wrong with the URL of an issuer or of its keys, or undefined. Anyone who can change what is there
 * can impersonate anybody here.
 */
export function issuerUrlProblem(url: string, mode: string | undefined): string | undefined {
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:') return undefined
  if (mode === 'production') return 'must be https'
  return isLoopbackHost(hostname) ? undefined : 'must be https, or on loopback in development mode'
}

/** Why an issuer is none of a preset, whose issuers have a form, or undefined. One on loopback may be any. */
export function presetProblem(
  issuer: string,
  preset: string | undefined,
  form: ValueForm | undefined,
): string | undefined {
  return form === undefined || form.pattern.test(issuer) || isLoopbackHost(new URL(issuer).hostname)
    ? undefined
    : `does not fit the preset ${preset}: give one such as ${form.example}`
}

/** What to say where an issuer is missing. */
export function missingIssuer(form: ValueForm | undefined): string {
  return `is missing: give one, such as ${form?.example ?? 'https://login.example.com'}`
}
