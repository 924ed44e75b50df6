import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Roles } from '../../src/policy/cedar/caller.ts'
import { parsePolicies } from '../../src/policy/cedar/parse.ts'
import { checkPolicies } from '../../src/policy/check-policies.ts'
import { compilePolicies } from '../../src/policy/policies.ts'
import type { ServerPolicies } from '../../src/policy/policy-contract.ts'

/** A file with policies. */
export function policyFile(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'portcullis-policies-')), 'policies.cedar')
  writeFileSync(path, text)
  return path
}

/** Policies of one server, `files`, which must be correct. */
export function policiesOf(text: string, roles: Roles = {}, clock: Clock = systemClock): ServerPolicies {
  const texts = [{ file: 'p.cedar', text }]
  const wrong = checkPolicies(texts, { servers: ['files', 'git'], issuers: 1 })
  if (wrong.length > 0) throw new Error(wrong.map(({ message }) => message).join('\n'))
  return compilePolicies(parsePolicies(texts).policies, { roles, mode: 'enforce', clock }).of('files')
}
