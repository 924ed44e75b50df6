import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Federation, startFederation } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'

describe('a page of a sign-in', () => {
  let federation: Federation
  before(async () => {
    federation = await startFederation()
  })
  after(() => federation.close())

  it('is not answered at another spelling of a path, which log and audit would not know (N34)', async () => {
    const browser = new FormBrowser()
    const callback = federation.first.authorize(await federation.leave(browser))
    const { location } = await browser
      .open(callback.href)
      .then(({ headers }) => ({ location: headers.get('location') }))
    const page = new URL(location ?? '', callback)
    const spelled = page.href.replace('/callback/', '/%63allback/')
    assert.notEqual(spelled, page.href)
    assert.equal((await browser.open(spelled)).status, 404)
    assert.equal((await browser.open(page.href)).status, 303)
    const event = (await federation.installation.audit()).at(-1)
    assert.deepEqual([event?.event, event?.outcome], ['oauth.login', 'allowed'])
  })
})
