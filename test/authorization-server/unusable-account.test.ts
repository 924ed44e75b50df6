import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { alice, type Federation, startFederation } from '../support/federation.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { csrfOf, Visitor } from '../support/visitor.ts'

/** What makes an account unusable, for as long as it is in the configuration. */
const unusable = {
  'its provider is not in the configuration': ({ setting }: Federation) => void setting.splice(0, 1),
  'a rule refuses it': ({ setting: [first] }: Federation) =>
    void Object.assign(first ?? {}, { deny: { groups: ['staff'] } }),
}

describe('signing out', () => {
  for (const [what, change] of Object.entries(unusable)) {
    it(`ends a login that does not count at the moment, since ${what}`, async (test) => {
      const federation = await startFederation({}, { users: 'none' })
      test.after(() => federation.close())
      const { installation, setting, first } = federation
      first.person = { ...alice, groups: ['staff'] }
      const browser = new FormBrowser()
      await federation.signIn(browser)
      const isSignedIn = async ({ cookies }: Pick<FormBrowser, 'cookies'>): Promise<boolean> => {
        const visitor = new Visitor(installation.url)
        for (const [name, value] of cookies) visitor.cookies.set(name, value)
        return (await visitor.get('/account')).status === 200
      }
      const earlier = { cookies: new Map(browser.cookies) }
      assert.ok(await isSignedIn(earlier))
      const before = setting.map((one) => ({ ...one }))
      const putBack = (): Promise<void> => {
        setting.splice(0, setting.length, ...before)
        return installation.restart()
      }

      change(federation)
      await installation.restart()
      const leaving = new Visitor(installation.url)
      for (const [name, value] of earlier.cookies) leaving.cookies.set(name, value)
      const page = await leaving.get('/logout')
      assert.doesNotMatch(page.html, /You are signed out|Alice/)
      for (const csrf of ['', csrfOf((await new Visitor(installation.url).get('/login')).html)])
        assert.equal((await leaving.post('/logout', { csrf })).status, 400, 'a form of somebody else')
      await putBack()
      assert.ok(await isSignedIn(earlier), 'neither the page nor such a form has ended anything')

      change(federation)
      await installation.restart()
      assert.equal(await isSignedIn(earlier), false)
      assert.equal((await leaving.submit('/logout', {})).location, '/logout')
      assert.match((await leaving.get('/logout')).html, /You are signed out/)
      await putBack()
      assert.equal(await isSignedIn(earlier), false, 'the session is gone')
      assert.equal(await isSignedIn(leaving), false, 'at this browser as well')
    })
  }
})
