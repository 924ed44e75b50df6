import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPolicies } from '../../src/policy/check-policies.ts'

const subject = { servers: ['files', 'git'], issuers: 1 }

/** What is wrong with a file. */
function problems(text: string, changes: Partial<typeof subject> = {}): string[] {
  const found = checkPolicies([{ file: 'p.cedar', text }], { ...subject, ...changes })
  return found.map(({ message }) => message)
}

const reads = 'action == Action::"resources/read"'
const forbidUri = (condition: string): string =>
  `forbid(principal, ${reads}, resource) when { resource.uri ${condition} };`

describe('what is wrong with policies', () => {
  it('is nothing where they are correct', () => {
    assert.deepEqual(
      problems(`// Überschrift
        @id("admins")
        permit(principal in Role::"admin", action, resource);
        forbid(principal, action == Action::"tools/call", resource in Server::"git")
        when { resource.name like "push*" && context.arguments.force == true }
        unless { principal.client == "ci" || context.now > datetime("2030-01-01") };
        permit(principal in Group::"Ärzte-группа", action == Action::"resources/read", resource == Resource::"git/file:///a/b");
        @type("Server") @id("annotated like an entity") permit(principal, action, resource in Server::"git");
        forbid(principal, action == Action::"resources/read", resource) when { resource.uri like "*/../*" };
        permit(principal, action, resource) when { resource in [Resource::"git/file:///a b", Resource::"git/file:///a%20b"] };
        permit(principal, action in [Action::"tools/call", Action::"prompts/get"], resource) when { resource.name == "x" };`),
      [],
    )
  })

  for (const [what, text, message] of [
    ['a text that is no policy', '\npermit(principal, action', /^p\.cedar:2:25: unexpected end of input/],
    [
      'an unknown variable',
      'permit(principal, action, resource) when { foo };',
      /1:44: invalid variable: foo/,
    ],
    [
      'an unknown type',
      '// é\n  permit(principal in Rolle::"a", action, resource);',
      /2:\d+: .*`Rolle`; did you mean `Role`/,
    ],
    [
      'an unknown action',
      'permit(principal, action == Action::"tool/call", resource);',
      /did you mean `Action::"tools\/call"`/,
    ],
    [
      'an unknown attribute of a caller',
      'permit(principal, action, resource) when { principal.email == "a" };',
      /attribute `email`/,
    ],
    [
      'an attribute that only others have',
      'permit(principal, action, resource) when { resource.name == "a" };',
      /attribute `name` on entity type `Resource`/,
    ],
    [
      'an attribute that may be missing',
      'permit(principal, action, resource) when { principal.actor == "a" };',
      /`actor`.*has actor/,
    ],
    [
      'the same in a policy on arguments',
      'permit(principal, action, resource) when { context.arguments.x == 1 && principal.email == "a" };',
      /^p\.cedar:1:1: attribute `email`/,
    ],
    [
      'a comparison of what is never equal',
      'permit(principal, action, resource) when { principal.client == 3 };',
      /types Long and String/,
    ],
    [
      'a policy that never applies',
      'forbid(principal, action == Action::"tools/call", resource is Resource);',
      /policy is impossible/,
    ],
    [
      'a text that reads in another direction than it seems',
      'permit(principal in Group::"a\u202eb", action, resource);',
      /BIDI/,
    ],
    ['a template', 'permit(principal == ?principal, action, resource);', /1:1: a template/],
    [
      'a name that is taken',
      '@id("a") permit(principal, action, resource);\n@id("a") forbid(principal, action, resource);',
      /^p\.cedar:2:1: the @id "a" is taken/,
    ],
    [
      'a server that there is not',
      'permit(principal, action, resource in Server::"flies");',
      /no server "flies": the servers are files, git/,
    ],
    [
      'a tool without its server',
      'forbid(principal, action, resource == Tool::"wipe");',
      /Tool::"wipe" must begin with the name of its server and a slash/,
    ],
    [
      'a tool with an asterisk, which means itself',
      'forbid(principal, action, resource == Tool::"files/delete_*");',
      /Tool::"files\/delete_\*" an asterisk means itself.*like/,
    ],
    [
      'a resource of a server that there is not',
      'forbid(principal, action, resource) when { resource == Resource::"file:///a" };',
      /Resource::"file:\/\/\/a" must begin/,
    ],
    [
      'a URI that callers may write otherwise, without being any less forbidden',
      'forbid(principal, action, resource == Resource::"files/HTTPS://X.example:443/a");',
      /write "https:\/\/x\.example\/a"/,
    ],
    [
      'a pattern of such',
      'forbid(principal, action == Action::"resources/read", resource) when { resource.uri like "FILE:///etc/*" };',
      /write "file:\/\/\/etc\/\*"/,
    ],
    [
      'one with dot segments',
      'forbid(principal, action == Action::"resources/read", resource) when { ["file:///a/../b"].contains(resource.uri) };',
      /write "file:\/\/\/b"/,
    ],
    [
      'a resource that is permitted in one of its spellings only',
      'permit(principal, action, resource == Resource::"files/file:///a b");',
      /may be taken for, too: "file:\/\/\/a%20b"/,
    ],
    [
      'something beside conditions on arguments',
      'permit(principal, action, resource) when { context.arguments.x == 1 || !(context.arguments has y) && principal.email == "a" };',
      /attribute `email`/,
    ],
    [
      'something behind a choice on arguments',
      'permit(principal, action, resource) when { if context.arguments.x then principal.email == "a" else true };',
      /attribute `email`/,
    ],
    ['a file without any', '// none', /^p\.cedar has no policy in it/],
  ] as const)
    it(`is ${what}`, () => {
      const found = problems(text)
      assert.ok(
        found.some((one) => message.test(one)),
        found.join('\n'),
      )
    })

  it('is no URI in a form in which callers cannot keep away from it', () => {
    for (const uri of ['file:*', 'https:*', 'https://*', 'https:/*', 'http*://a.example/*', '*%2F*', 'c:/*'])
      assert.deepEqual(problems(forbidUri(`like "${uri}"`)), [], uri)
    for (const uri of [
      'https://a.example/',
      'https://a.example/caf%C3%A9',
      'file:///café',
      'file:///a b',
      'file:///a%20b?c#d',
      'postgres://User@host/T',
      'users://{id}/{name}',
      'file:///{path}',
      'notes:Ab',
      'Ab',
    ]) {
      // Who is in front of the host is looked at in lower case as well.
      const written = uri.replace('User', 'user')
      assert.deepEqual(problems(forbidUri(`== "${written}"`)), [], written)
    }
  })

  it('is a URI that a forbid names in a form that callers can keep away from', () => {
    for (const [condition, form] of [
      ['== "https://a.example"', 'https://a.example/'],
      ['== "https://a.example/caf%c3%a9"', 'https://a.example/caf%C3%A9'],
      ['like "https://a.example/caf%c3%a9*"', 'https://a.example/caf%C3%A9*'],
      ['like "file:///%7Eroot/*"', 'file:///~root/*'],
      ['like "file:///cafe\u{301}*"', 'file:///café*'],
      ['like "db://Users/*"', 'db://users/*'],
      ['== "NOTES:a"', 'notes:a'],
      ['like "FILE:*"', 'file:*'],
      ['like "HTTPS://*"', 'https://*'],
    ] as const) {
      const found = problems(forbidUri(condition))
      assert.ok(found.length === 1 && found[0]?.endsWith(`write "${form}"`), `${condition}: ${found.join()}`)
    }
    const both = '["https://a.example", "https://a.example/"].contains(resource.uri)'
    for (const exempted of [`when { !(${both}) }`, `unless { ${both} }`])
      assert.deepEqual(problems(`forbid(principal, ${reads}, resource) ${exempted};`), [])
  })

  it('is one thing where a resource lacks its server, whose URI is then not known', () => {
    const found = problems('permit(principal, action, resource == Resource::"file:///a");')
    assert.ok(
      found.length === 1 && found[0]?.includes('must begin with the name of its server'),
      found.join(),
    )
  })

  it('is all told at once, each with its file', () => {
    const found = checkPolicies(
      [
        { file: 'a', text: 'permit(principal, action, resource) when { foo };' },
        { file: 'b', text: '@id("x") permit(principal, action, resource in Server::"no");' },
        { file: 'c', text: '@id("x") permit(principal, action, resource);' },
      ],
      subject,
    )
    assert.deepEqual(new Set(found.map(({ index }) => index)), new Set([0, 1, 2]))
  })

  it('finds the place of each policy, of which there may be many, and equal ones', () => {
    const texts = Array.from(
      { length: 12 },
      (_, index) => `permit(principal, action, resource in Server::"${index % 3}");`,
    )
    const places = problems(texts.join('\n')).map((one) => one.split(': ')[0])
    assert.deepEqual(
      places,
      texts.map((_, index) => `p.cedar:${index + 1}:1`),
    )
  })

  it('is a permit for names of which several issuers have some, unless it says whose', () => {
    const wrong = (text: string): number => problems(text, { issuers: 2 }).length
    for (const name of [
      'principal in Role::"a"',
      'principal in Group::"a"',
      'principal == User::"a"',
      'principal == Client::"a"',
    ]) {
      assert.equal(wrong(`permit(${name}, action, resource);`), 1)
      assert.equal(wrong(`permit(${name}, action, resource) when { principal.issuer == "https://a" };`), 0)
      assert.equal(wrong(`forbid(${name}, action, resource);`), 0)
      // Whom a forbid exempts is let through by the name.
      for (const [exempts, whose] of [
        [`when { !(${name}`, `&& principal.issuer == "https://a") }`],
        [`when { !(${name})`, `|| principal.issuer != "https://a" }`],
        [`unless { ${name}`, `&& principal.issuer == "https://a" }`],
      ] as const) {
        const close = exempts.includes('(') && !exempts.endsWith(')') ? ') }' : ' }'
        const bare = `forbid(principal, action, resource) ${exempts}${close}`
        assert.equal(wrong(`${bare};`), 1, bare)
        assert.equal(wrong(`forbid(principal, action, resource) ${exempts} ${whose};`), 0, exempts)
        // This exempts those, and everybody of the issuer as well.
        assert.equal(wrong(`${bare} unless { principal.issuer == "https://a" };`), 1, bare)
      }
    }
    assert.equal(wrong('forbid(principal, action, resource) when { principal != User::"a" };'), 1)
    assert.equal(wrong('permit(principal, action, resource) when { principal.subject == "a" };'), 1)
    assert.equal(wrong('permit(principal, action, resource in Server::"git");'), 0)
    assert.match(
      problems('permit(principal in Role::"a", action, resource);', { issuers: 2 })[0] ?? '',
      /whose Role::"a"/,
    )
  })
})
