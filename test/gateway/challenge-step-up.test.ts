import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Principal } from '../../src/core/principal.ts'
import { ScopeSet } from '../../src/core/scope.ts'
import { challengeStepUp } from '../../src/gateway/challenge-step-up.ts'
import type { UpstreamPolicy } from '../../src/gateway/upstream.ts'

describe('a call for want of a scope', () => {
  const upstream = { resource: 'https://gate.example/mcp', dpop: 'off' } as UpstreamPolicy

  /** What is remembered for the next visit at the authorization server. */
  const remembered = async (more: Partial<Principal>): Promise<object[]> => {
    const needs: object[] = []
    const principal = {
      issuer: 'https://gate.example',
      clientId: 'client',
      subject: 'user',
      scopes: new ScopeSet(['mcp:tools:read']),
      ...more,
    } as Principal
    const call = { era: 'modern', methods: ['tools/call'] } as const
    const context = { needed: ['mcp:tools:execute'], upstream }
    const memory = { remember: async (need: object) => void needs.push(need) }
    await assert.rejects(challengeStepUp(memory, principal, call, context), {
      code: 'scope_insufficient',
      message:
        'The access token lacks a scope: mcp:tools:execute. If your program does not ask you for it, sign in to this server again',
      detail: {
        reason: 'needs mcp:tools:execute',
        explain: 'mcp:tools:execute. If your program does not ask you for it, sign in to this server again',
        missing: ['mcp:tools:execute'],
        challenge: {
          error: 'insufficient_scope',
          offersDpop: false,
          scopes: ['mcp:tools:execute'],
          description: 'tools call needs more permission',
        },
      },
    })
    return needs
  }

  it('is remembered for the grant of its client, and for nobody who was handed the token', async () => {
    assert.deepEqual(await remembered({ grantId: 'grant' }), [
      {
        issuer: 'https://gate.example',
        clientId: 'client',
        subject: 'user',
        resource: upstream.resource,
        grantName: 'grant',
        scopes: ['mcp:tools:execute'],
      },
    ])
    assert.deepEqual(await remembered({ grantId: 'grant', actor: 'another client' }), [])
    assert.deepEqual(await remembered({}), [])
  })
})
