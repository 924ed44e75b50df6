import { readFileSync } from 'node:fs'
import { isBearerToken, isHeaderValue } from '../core/header-field.ts'
import type { CredentialConfig } from './credential-schema.ts'

/** What is wrong with a credential, by the name of the setting; '' for the whole. */
export type CredentialProblem = readonly [setting: string, message: string]

/**
 * The rules for the credential of an HTTP server: each secret is given in only one place, and a file can be
 * used.
 */
export function checkCredential(credential: CredentialConfig): CredentialProblem[] {
  if (credential.kind === 'bearer') {
    return checkSecret('token', credential.token, credential.tokenFile, isBearerToken)
  }
  if (credential.kind === 'header') {
    return checkSecret('value', credential.value, credential.valueFile, isHeaderValue)
  }
  return checkSecret('clientSecret', credential.clientSecret, credential.clientSecretFile, Boolean)
}

/** The rule for a secret that is given in the configuration or in a separate file. */
export function checkSecret(
  name: string,
  value: string | undefined,
  file: string | undefined,
  isUsable: (text: string) => boolean,
): CredentialProblem[] {
  if (value === undefined && file === undefined) return [['', `has no secret: give ${name} or ${name}File`]]
  if (value !== undefined && file !== undefined)
    return [['', `has both ${name} and ${name}File: take one away`]]
  if (file === undefined) return []
  try {
    return isUsable(readFileSync(file, 'utf8').trim())
      ? []
      : [[`${name}File`, 'must hold the secret and nothing else, on one line']]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return [[`${name}File`, code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${code}`]]
  }
}
