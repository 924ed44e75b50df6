import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type CheckName, checks } from '../../src/doctor/checks.ts'
import { profiles, redirectUrisOf } from '../../src/doctor/profiles.ts'

const docs = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')

describe('the checks of doctor', () => {
  it('name requirements that docs/conformance.md has, a source and a fix', () => {
    const rows = new Set([...docs('conformance.md').matchAll(/^\| ([A-Z]+\d+) \|/gm)].map(([, id]) => id))
    for (const [name, { requirements, source, fix, title }] of Object.entries(checks)) {
      assert.ok(requirements.length > 0, name)
      for (const id of requirements) assert.ok(rows.has(id), `${name} names ${id}`)
      assert.match(source, /RFC|MCP|Fetch|OpenID|#\d/, name)
      assert.match(fix, /^[A-Z`].*\.$/, name)
      assert.match(title, /^[^.]+[^.]$/, name)
    }
  })

  it('are each named once, by a word that scripts can hold on to', () => {
    for (const name of Object.keys(checks) as CheckName[]) assert.match(name, /^[a-z]+(?:-[a-z]+)*$/)
  })
})

describe('the clients of doctor', () => {
  it('stand in docs/doctor.md, and no others', () => {
    const described = [...docs('doctor.md').matchAll(/^\| `([a-z][a-z-]*)` \| /gm)].map(([, name]) => name)
    assert.deepEqual(new Set(described), new Set(Object.keys(profiles)))
  })

  it('register complete redirect URIs, with the port that was chosen', () => {
    for (const [name, profile] of Object.entries(profiles)) {
      for (const uri of redirectUrisOf(profile)) assert.ok(URL.canParse(uri), `${name}: ${uri}`)
      const own = redirectUrisOf(profile, 12_345).filter((uri) => uri.includes(':12345/'))
      assert.equal(own.length > 0, 'loopback' in profile, name)
    }
  })
})
