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
      ['\u1d04laude', 'Claude'],
      ['\u1d04\u029f\u1d00\u1d1c\u1d05\u1d07', 'Claude'],
      ['\ua4da\ua4e1\ua4ee\ua4f4\ua4d3\ua4f0', 'Claude'],
      ['\u1455\u14aaaude', 'Claude'],
      ['\u13df\u13deaude', 'Claude'],
      ['C\ua781aude', 'Claude'],
      ['C\u0142aude', 'Claude'],
      ['C\u{1d408}aude', 'Claude'],
      ['C\u0399aude', 'Claude'],
      ['Anthr\u1d0fpic', 'Claude'],
      ['\u039fpenAI', 'ChatGPT'],
      ['\u1d04urs\u1d0fr', 'Cursor'],
      ['CursorAI', 'Cursor'],
      ['Cursor2', 'Cursor'],
      ['Vs\u1d04ode', 'Visual Studio Code'],
      ['MCP In\ua731pector', 'MCP Inspector'],
    ] as const) {
      assert.equal(borrowedName(name, elsewhere), program, name)
    }
  })

  it('is seen whatever stands between its letters', () => {
    for (const [name, program] of [
      ['Cla.ude', 'Claude'],
      ['C l a u d e', 'Claude'],
      ['Cl-aude Desktop', 'Claude'],
      ['Chat_G.P.T.', 'ChatGPT'],
      ['Open A.I.', 'ChatGPT'],
      ['Cur\u00b7sor for teams', 'Cursor'],
      ['V S Code', 'Visual Studio Code'],
      ['M.C.P. Inspector', 'MCP Inspector'],
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
      ['A cursory look', elsewhere.href],
      ['Parc de l\u2019Aude, Parc l\u2019Aude', elsewhere.href],
      ['Open air tickets', elsewhere.href],
      ['\u041a\u0443\u0440\u0441\u043e\u0440', elsewhere.href],
      ['\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac', elsewhere.href],
      ['Cla.ude', 'https://claude.ai/api/mcp/auth_callback'],
      ['CursorAI', 'cursor://anysphere.cursor-retrieval/oauth/callback'],
      ['Notes', 'https://cl.aude.example/cb'],
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
    for (const text of ['\u0421laude', 'Micr\u03bfsoft', '\u1455laude', 'G\u043e\u043egle notes']) {
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
