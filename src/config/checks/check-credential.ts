import { readFileSync } from 'node:fs'
import { isBearerToken, isHeaderValue } from '../../core/header-field.ts'
import { problem, type RuleProblem } from '../problems.ts'
import { unreadReason } from '../reading/unread-file.ts'
import type { CredentialConfig } from '../schema/credential-schema.ts'

/**
 * The rules for the credential of an HTTP server: each secret is given in only one place, and a file can be
 * used.
 */
export function checkCredential(credential: CredentialConfig): RuleProblem[] {
  if (credential.kind === 'bearer') {
    return checkSecret('token', credential.token, credential.tokenFile, isBearerToken)
  }
  if (credential.kind === 'header') {
    return checkSecret('value', credential.value, credential.valueFile, isHeaderValue)
  }
  return checkSecret('clientSecret', credential.clientSecret, credential.clientSecretFile, Boolean)
}

interface GivenSecret {
  readonly clientSecret?: string | undefined
  readonly clientSecretFile?: string | undefined
}

/** The same rules for the secret of a client that we are elsewhere: it stands among other settings. */
export function checkClientSecret({ clientSecret, clientSecretFile }: GivenSecret): RuleProblem[] {
  return checkSecret('clientSecret', clientSecret, clientSecretFile, Boolean).map(({ path, message }) =>
    problem(path.length === 0 ? ['clientSecret'] : path, message),
  )
}

function checkSecret(
  name: string,
  value: string | undefined,
  file: string | undefined,
  isUsable: (text: string) => boolean,
): RuleProblem[] {
  if (value === undefined && file === undefined)
    return [problem([], `has no secret: give ${name} or ${name}File`)]
  if (value !== undefined && file !== undefined)
    return [problem([], `has both ${name} and ${name}File: take one away`)]
  if (file === undefined) return []
  try {
    return isUsable(readFileSync(file, 'utf8').trim())
      ? []
      : [problem([`${name}File`], 'must hold the secret and nothing else, on one line')]
  } catch (error) {
    return [problem([`${name}File`], `${file} ${unreadReason(error, 'the secret')}`)]
  }
}
