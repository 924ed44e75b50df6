import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { borrowedName, isPunycode, mixesAlphabets } from '../../src/core/look-alike.ts'

const at = (address: string): URL => new URL(address)
const elsewhere = at('https://app.example/cb')

describe('a borrowed name (A49)', () => {
  it('is seen however it is spelled', () => {
    for (const [name, program] of [
      ['Claude', 'Claude'],
      ['Claude Desktop (official)', 'Claude'],
      ['CLAUDE.AI', 'Claude'],
      ['CIaude', 'Claude'],
      ['C1aude', 'Claude'],
      ['\u0421laude', 'Claude'],
      ['\u0441\u04cf\u0430u\u0501\u0435', 'Claude'],
      ['Cláude', 'Claude'],
      ['\uff23\uff4c\uff41\uff55\uff44\uff45', 'Claude'],
      ['\u{1d402}\u{1d425}\u{1d41a}\u{1d42e}\u{1d41d}\u{1d41e}', 'Claude'],
      ['Anthropic connector', 'Claude'],
      ['ChatGPT', 'ChatGPT'],
      ['Chat-GPT 5', 'ChatGPT'],
      ['\u041epenAI', 'ChatGPT'],
      ['Cursor', 'Cursor'],
      ['\u0421urs\u043er', 'Cursor'],
      ['VS Code', 'Visual Studio Code'],
      ['VSCode', 'Visual Studio Code'],
      ['Visual Studio Code - Insiders', 'Visual Studio Code'],
      ['MCP Inspector', 'MCP Inspector'],
    ] as const) {
      assert.equal(borrowedName(name, elsewhere), program, name)
    }
  })

  it('is none at the address of its owner, or without a likeness', () => {
    for (const [name, address] of [
      ['Claude', 'https://claude.ai/api/mcp/auth_callback'],
      ['Claude', 'https://api.claude.com/cb'],
      ['ChatGPT', 'https://chatgpt.com/connector_platform_oauth_redirect'],
      ['Cursor', 'cursor://anysphere.cursor-retrieval/oauth/callback'],
      ['Visual Studio Code', 'https://vscode.dev/redirect'],
      ['Visual Studio Code', 'vscode://vscode.github-authentication'],
      ['Precursor', elsewhere.href],
      ['Cloud notes', elsewhere.href],
      ['Инспектор', elsewhere.href],
      ['', elsewhere.href],
    ] as const) {
      assert.equal(borrowedName(name, at(address)), undefined, `${name} at ${address}`)
    }
  })

  it('is seen in the address, too, and hosts that only end or begin alike are not the owner', () => {
    for (const address of [
      'https://claude.ai.evil.example/cb',
      'https://evilclaude.ai/cb',
      'https://c1aude.ai/cb',
      'https://xn--lude-83d1g.ai/cb',
      'https://сlaude.ai/cb',
      'http://claude.ai/cb',
    ]) {
      assert.equal(
        borrowedName('Notes', at(address)) ?? borrowedName('Claude', at(address)),
        'Claude',
        address,
      )
    }
    assert.equal(borrowedName('Notes', at('https://c1aude.ai/cb')), 'Claude')
    assert.equal(borrowedName('Notes', at('https://сlaude.ai/cb')), 'Claude')
  })
})

describe('letters of several alphabets (A49)', () => {
  it('are told in one word, not in one name', () => {
    for (const text of ['\u0421laude', 'Micr\u03bfsoft', 'G\u043e\u043egle notes']) {
      assert.ok(mixesAlphabets(text), text)
    }
    for (const text of [
      'Claude',
      'Яндекс GPT',
      'メモ app',
      '日本語ノート',
      'Ελληνικά notes',
      'Zoë’s café',
      '',
    ]) {
      assert.ok(!mixesAlphabets(text), text)
    }
  })
})

describe('a host in another alphabet', () => {
  it('is told by its punycode', () => {
    assert.ok(isPunycode(at('https://сlaude.ai/').hostname))
    assert.ok(isPunycode('app.xn--80ak6aa92e.example'))
    assert.ok(!isPunycode('xn-app.example'))
    assert.ok(!isPunycode('[::1]'))
  })
})
