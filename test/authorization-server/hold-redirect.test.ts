import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { it } from 'node:test'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { Provider } from '../../src/authorization-server/library/library.ts'
import { holdRedirect } from '../../src/authorization-server/requests/hold-redirect.ts'
import { siteOf } from '../../src/core/site.ts'
import { listen } from '../support/listen.ts'

const issuer = 'http://127.0.0.1:1'

/** What the steps after the library make of an answer of its authorization endpoint. */
async function answerWith(fill: (context: KoaContextWithOIDC) => void): Promise<Response> {
  const provider = new Provider(issuer)
  provider.use(async (context) => {
    Object.assign(context, { oidc: { route: 'authorization', issuer, entities: {} } })
    const shown = context as KoaContextWithOIDC
    fill(shown)
    await holdRedirect(siteOf(issuer), shown)
  })
  const handle = provider.callback() as (req: IncomingMessage, res: ServerResponse) => void
  const server = createServer(handle)
  const { url, close } = await listen(server)
  const response = await fetch(url, { redirect: 'manual' })
  const text = await response.text()
  await close()
  return new Response(text, { status: response.status, headers: response.headers })
}

it('an authorization request is never answered with a form that posts itself to a client (RFC 9700 section 4.11.2)', async () => {
  const response = await answerWith((context) => {
    context.status = 200
    context.type = 'html'
    context.body = '<script>document.forms[0].submit()</script><form action="https://evil.example/">'
  })
  assert.equal(response.status, 400)
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  const html = await response.text()
  assert.doesNotMatch(html, /evil\.example|<script(?! src="\/assets\/)|<form/)
})

it('an authorization request that goes on to a page of ours is let through', async () => {
  const response = await answerWith((context) => context.redirect('/interaction/abc'))
  assert.equal(response.headers.get('location'), '/interaction/abc')
})

it('an authorization request that is refused is held, also where the address of its client looks like a page of ours (A45)', async () => {
  for (const target of [
    'https://evil.example/interaction/abc?error=invalid_scope',
    'http://127.0.0.1:2/interaction/abc?error=invalid_scope',
    `${issuer}/callback?error=invalid_scope`,
    `${issuer}/x/interaction/abc?error=invalid_scope`,
    '//evil.example/interaction/abc?error=invalid_scope',
    'https://evil.example/callback#error=invalid_scope',
  ]) {
    const response = await answerWith((context) => context.redirect(target))
    assert.equal(response.headers.get('location'), null, target)
    assert.equal(response.status, 400, target)
    const page = await response.text()
    assert.match(page, /The program will be told at/)
    assert.match(page, /<code>invalid_scope</, target)
  }
})
