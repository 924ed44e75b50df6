import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { eventNames, outcomes } from '../src/audit/event.ts'
import { errorKinds } from '../src/core/errors.ts'
import { renderReference, renderSchema } from './support/document-settings.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const rows = (): Set<string | undefined> =>
  new Set([...read('docs/conformance.md').matchAll(/^\| ([A-Z]+\d+) \|/gm)].map(([, id]) => id))

/** The ranges of ids in docs/conformance.md that have no gap, cited by a test or not. */
const demands: ReadonlyMap<string, readonly (readonly [first: number, last: number])[]> = new Map([
  ['D', [[1, 10]]],
  ['AM', [[1, 12]]],
  ['R', [[1, 17]]],
  ['P', [[1, 14]]],
  ['T', [[1, 10]]],
  ['X', [[1, 10]]],
  ['U', [[1, 2]]],
  ['A', [[1, 75]]],
  ['N', [[1, 35]]],
  ['V', [[1, 14]]],
  ['H', [[1, 7]]],
  ['O', [[1, 20]]],
])

const pages = (): string[] => [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...globSync('docs/*.md', { cwd: root }),
]

/** The names by which links reach the headings of a page. */
const anchorsOf = (page: string): Set<string> =>
  new Set(
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  )

describe('documentation', () => {
  it('of the configuration is what the schema says (npm run docs)', () => {
    assert.equal(read('docs/configuration.md'), renderReference())
    assert.equal(read('docs/portcullis.schema.json'), renderSchema())
  })

  it('has every error code, and no other', () => {
    const described = [...read('docs/errors.md').matchAll(/^### `([a-z_]+)`/gm)].map(([, code]) => code)
    assert.deepEqual(new Set(described), new Set(Object.keys(errorKinds)))
    for (const [code, { status, rpc }] of Object.entries(errorKinds)) {
      assert.match(read('docs/errors.md'), new RegExp(`### \`${code}\`\n\n\`${status}\` · \`${rpc}\``), code)
    }
  })

  it('has every event of the audit with its members, and every outcome', () => {
    const page = read('docs/audit.md')
    const members = [...read('src/audit/event.ts').matchAll(/^ {2}readonly (\w+)\??:/gm)].map(
      ([, name]) => name,
    )
    const trail = ['audit.begin', 'audit.checkpoint', 'audit.gap', 'audit.end']
    for (const name of [...eventNames, ...outcomes, ...trail, ...members].map(String))
      assert.ok(name === 'hash' || name === 'redacted' || page.includes(`\`${name}\``), name)
  })

  it('has a row for every requirement, attack and rule that a test or the source cites', () => {
    const cited = new Set<string>()
    for (const file of globSync('{src,demo,test}/**/*.ts', { cwd: root, exclude: ['**/node_modules/**'] })) {
      for (const [, list] of read(file).matchAll(/\(([^()]*)\)/g)) {
        for (const [id] of (list ?? '').matchAll(/\b(?:AM|DEC|[ABDHNOPRTUVWX])\d{1,2}\b/g)) cited.add(id)
      }
    }
    const missing = [...cited].filter((id) => !rows().has(id)).toSorted()
    assert.deepEqual(missing, [])
  })

  it('has a row for every demand on what is complete: discovery, clients, authorization, tokens, consent', () => {
    const missing = [...demands].flatMap(([prefix, ranges]) =>
      ranges.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, index) => `${prefix}${first + index}`).filter(
          (id) => !rows().has(id),
        ),
      ),
    )
    assert.deepEqual(missing, [])
  })

  it('says of each row what proves it, or why there is no test', () => {
    for (const [row] of read('docs/conformance.md').matchAll(/^\| [A-Z]+\d+ \|.*$/gm)) {
      const [, , source = '', tests = ''] = row.split(' |')
      assert.ok(source.trim() !== '', row)
      assert.match(tests, /`test\/|there is no test/, row)
    }
  })

  it('names in docs/conformance.md only tests that there are', () => {
    for (const [, path] of read('docs/conformance.md').matchAll(/`(test\/[\w/.-]+\.ts)`/g)) {
      assert.doesNotThrow(() => read(path as string), path)
    }
  })

  it('links to files and headings that there are', () => {
    for (const file of pages()) {
      const folder = join(root, file, '..')
      for (const [, target = ''] of read(file).matchAll(/\]\((?!https?:|mailto:)([^)]+)\)/g)) {
        const [path = '', anchor] = target.split('#')
        const page = path === '' ? join(root, file) : join(folder, path)
        assert.doesNotThrow(() => readFileSync(page), `${file} → ${target}`)
        if (anchor === undefined) continue
        assert.ok(anchorsOf(readFileSync(page, 'utf8')).has(anchor), `${file} → ${target}`)
      }
    }
  })

  it('has each mark of a code block on a line of its own', () => {
    for (const file of pages()) {
      const marks = read(file).match(/^.*```.*$/gm) ?? []
      for (const mark of marks) assert.match(mark, /^ *```\w*$/, file)
      assert.equal(marks.length % 2, 0, file)
    }
  })

  it('gives a reason for every dependency, and for no other', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >
    const described = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)
    const others = ['test/clients', 'bench/stacks'].map((folder) => {
      return (JSON.parse(read(`${folder}/package.json`)) as { dependencies: object }).dependencies
    })
    const installed = Object.keys(Object.assign({}, dependencies, devDependencies, ...others))
    assert.deepEqual(new Set(described), new Set(installed))
  })
})

describe('the lock files', () => {
  it('hold no addresses', () => {
    for (const folder of ['.', 'test/clients', 'bench/stacks']) {
      assert.doesNotMatch(read(`${folder}/package-lock.json`), /"resolved": *"http/)
    }
  })
})

describe('the runtime', () => {
  it('is the one that the project pins, or another that is new enough', () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    assert.ok(major > 24 || (major === 24 && minor >= 12), process.version)
  })
})
