import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as paths from '../../src/authorization-server/paths.ts'
import { reservedSegments } from '../../src/core/reserved-segments.ts'

const { endpointPaths, interactionPath, consentPath, loginPaths, setUpPath } = paths
const answered = [
  ...Object.values(endpointPaths),
  ...Object.values(paths).filter((path) => typeof path === 'string'),
  interactionPath('u1'),
  paths.personLogin.login,
  setUpPath('s1'),
]

describe('paths of the authorization server', () => {
  it('begin with segments that no MCP server may have', () => {
    for (const path of answered) assert.ok(reservedSegments.has(path.split('/')[1] ?? ''), path)
  })

  it('are told apart as those of an interaction, of a person and of neither', () => {
    const login = ({ login: form, passkey, provider, callback }: ReturnType<typeof loginPaths>) => [
      form,
      passkey,
      provider,
      callback('git-hub'),
    ]
    const ofInteraction = [
      interactionPath('u-1'),
      consentPath('u-1'),
      ...login(loginPaths(interactionPath('u-1'))),
    ]
    const ofPerson = [
      ...login(paths.personLogin),
      paths.accountPath,
      paths.removePasskeyPath,
      setUpPath('s_1'),
    ]
    const ofNeither = [
      ...Object.values(endpointPaths),
      '/interaction/',
      '/interaction/u1/other',
      '/account/',
      '/a/login',
    ]
    for (const path of ofInteraction)
      assert.ok(paths.isInteractionPath(path) && !paths.isPersonPath(path), path)
    for (const path of ofPerson) assert.ok(paths.isPersonPath(path) && !paths.isInteractionPath(path), path)
    for (const path of ofNeither)
      assert.ok(!paths.isInteractionPath(path) && !paths.isPersonPath(path) && !paths.isLoginPath(path), path)
  })
})
