import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type Installation, startInstallation } from '../support/installation.ts'

let installation: Installation
before(async () => {
  installation = await startInstallation({ config: { grants: { deviceCode: 'on' } } })
})
after(() => installation.close())

const ask = async (path: string, body?: string): Promise<[Response, string]> => {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const response = await fetch(installation.url + path, {
    redirect: 'manual',
    headers: { accept: 'text/html', ...(body === undefined ? {} : type) },
    ...(body === undefined ? {} : { method: 'POST', body }),
  })
  return [response, await response.text()]
}

it('the steps of a device without a session end on a page that says so', async () => {
  for (const [path, body] of [['/device/abc'], ['/device', 'user_code=x']] as const) {
    const [{ status, headers }, html] = await ask(path, body)
    assert.equal(status, 400, path)
    assert.match(html, /This page has expired/)
    assert.equal(headers.get('x-frame-options'), 'DENY')
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
  }
  assert.ok(!installation.log().includes('"fault"'))
})

it('a form that is too large is refused with a page', async () => {
  const [{ status, headers }, html] = await ask('/login', `a=${'b'.repeat(20_000)}`)
  assert.equal(status, 413)
  assert.match(html, /too large/)
  assert.equal(headers.get('x-frame-options'), 'DENY')
  assert.ok(!installation.log().includes('"fault"'))
})
