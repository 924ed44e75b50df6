import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { configFile, problemsOf, problemTexts } from '../support/config-problems.ts'

const tagged = 'a tag (!name) that means nothing here: write the value itself, in quotes if it begins with !'

/** Without the name of the folder. */
const problems = (text: string): string[] =>
  problemTexts({ file: configFile(text) }).map((one) => one.replace(/^.*\/(?=portcullis\.yaml)/, ''))

describe('a configuration file', () => {
  it('has no tags that are unknown here: an encrypted secret, or the name of one, would itself be the secret', () => {
    const text = `secret: !vault ${'s'.repeat(43)}\nlisten: { metricsToken: !ENV ${'METRICS_TOKEN_'.repeat(3)} }`
    assert.deepEqual(problems(text), [`portcullis.yaml:1:9: ${tagged}`, `portcullis.yaml:2:25: ${tagged}`])
    assert.deepEqual(problems('data: !!str 1'), [])
  })

  it('shows no secret, whatever is wrong beside it or with it (B4)', () => {
    const secret = 'hunter2-hunter2'
    for (const text of [
      `cors: { origins: [] }}\nsecret: ${secret}\nclients: [{ id: a, secret: '${secret}' }]`,
      `- mode: development\nsecret: ${secret}`,
      ...['*', '!', '|', '>', '%', '&', '@', '`', ']', '}', '"', "'", '!<', '? ', '- ', '"\\'].map(
        (sign) => `mode: development\nsecret: ${sign}${secret}`,
      ),
      `secret: !${secret}! x`,
      `secret: !a !${secret} x`,
      `secret: ${secret}: x: y`,
      `%${secret} x\n---\nmode: development`,
      `mode: development\n--- ${secret}`,
    ]) {
      const told = problems(text).join('\n')
      assert.notEqual(told, '', text)
      assert.ok(!told.includes('hunter2'), `${text}\n${told}`)
    }
    assert.deepEqual(problems(`cors: { origins: [] }}\nsecret: ${secret}`), [
      'portcullis.yaml:1:22: does not belong here: look for a bracket too many, or an indentation that is wrong, here or before',
    ])
    assert.deepEqual(problems('mode: development\n---\nupstreams: []'), [
      'portcullis.yaml:2:1: a second document begins here: write all settings into one, without ---',
    ])
  })

  it('that cannot be read is not said to lack what it may have, but variables that are wrong are told too', () => {
    const environment = {
      PORTCULLIS_MODE: 'production',
      PORTCULLIS_STORE_URL: 'postgres://database/portcullis',
      PORTCULLIS_DATTA: '/data',
    }
    for (const secret of ['!vault abc', '[', '*secret']) {
      const file = configFile(`publicUrl: https://mcp.example.com\nsecret: ${secret}`)
      const paths = problemsOf({ file, environment }).map(({ path }) => path)
      assert.equal(paths[0]?.startsWith(`${file}:`), true)
      assert.deepEqual(paths.slice(1), ['PORTCULLIS_DATTA'])
    }
  })

  it('has names that are texts: of others, such as a placeholder without quotes, the parser prints what they say', async (test) => {
    const warn = test.mock.method(process, 'emitWarning', () => undefined)
    const told = 'a name must be a text: what is meant as a value, such as {{ name }}, must be in quotes'
    assert.deepEqual(problems("secret: {{ 'hunter2' }}"), [`portcullis.yaml:1:10: ${told}`])
    assert.deepEqual(problems('data: &a [hunter2]\n*a : 1'), [`portcullis.yaml:2:1: ${told}`])
    assert.equal(warn.mock.callCount(), 0)
  })

  it('is told where an alias stands for nothing, or for what it is itself part of', () => {
    const nothing =
      'an alias (*name) that stands for nothing, since no anchor before it is named so: put a text in quotes'
    assert.deepEqual(problems('allowedHosts: *.example.com'), [`portcullis.yaml:1:15: ${nothing}`])
    assert.deepEqual(problems('cors: { origins: [*] }'), [`portcullis.yaml:1:19: ${nothing}`])
    assert.deepEqual(problems('mode: development\nupstreams: &all [{ name: a, url: *all }]'), [
      'portcullis.yaml:2:34: an alias (*name) that is part of what it repeats: write out what is meant',
    ])
  })

  it('may use an anchor in thousands of places, but not for parts that multiply each other', {
    timeout: 15_000,
  }, () => {
    const clients = Array.from({ length: 6000 }, (_, index) => `- { id: c${index}, redirectUris: *own }`)
    const many = `clients:\n- { id: c, redirectUris: &own [https://app.example.com/callback] }\n${clients.join('\n')}`
    const file = configFile(`upstreams: [{ name: files, url: http://127.0.0.1:9/mcp }]\n${many}`)
    const program = join(import.meta.dirname, '../../bin/portcullis.js')
    // Looking for each anchor from the beginning took a minute, in which a server that reloads answers nobody.
    const told = execFileSync(process.execPath, [program, 'check', file], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    assert.match(told, /is valid/)
    const ten = (what: string): string => `[${Array.from({ length: 10 }, () => what).join()}]`
    const multiplied = ['a', 'b', 'c', 'd', 'e'].map((name, index, all) => {
      return `${name}: &${name} ${ten(index === 0 ? '1' : `*${all[index - 1]}`)}`
    })
    assert.match(
      problems(multiplied.join('\n')).join(),
      /^portcullis\.yaml: repeats parts with aliases .* too often/,
    )
  })
})
