import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import type { Glewlwyd } from '../support/glewlwyd.ts'
import { type Scene, scope, useEverywhere } from './scene.ts'

const verifier = 'a-verifier-of-the-cluster-with-enough-characters-in-it'

/** The setting of Glewlwyd in `login.providers`. */
export function glewlwydSetting({ issuer }: Glewlwyd) {
  return {
    name: 'glewlwyd',
    issuer,
    clientId: 'portcullis',
    clientSecret: 'secret-of-the-cluster',
    scopes: ['openid'],
  }
}

/** A whole login at Glewlwyd; the replica of the round is killed while the person is there. */
export async function signInAtGlewlwyd(scene: Scene, glewlwyd: Glewlwyd): Promise<void> {
  const { browser, client } = scene.person()
  const resource = scene.cluster.demoUrl
  const authorization = await browser.open(client.authorizationUrl({ verifier, scope, resource }))
  const login = await browser.open(new URL(authorization.headers.get('location') ?? '', resource).href)
  const form = /<form method="post" action="([^"]*\/provider[^"]*)">(.*?)<\/form>/s.exec(login.html)
  assert.ok(form !== null, login.html)
  const csrf = /name="csrf" value="([^"]*)"/.exec(form[2] as string)?.[1] ?? ''
  const left = await browser.open(new URL(form[1] as string, resource).href, { csrf, provider: 'glewlwyd' })
  const away = new URL(left.headers.get('location') ?? '')
  assert.equal(away.origin, new URL(glewlwyd.issuer).origin)
  const [callback] = await Promise.all([glewlwyd.authorize(away, 'ada'), scene.kill()])
  const answer = await browser.visit(callback.href)
  assert.match(browser.lastPage.html, /You are <strong>Ada Lovelace<\/strong>/)
  const code = answer?.searchParams.get('code') ?? ''
  const { status, body } = await client.redeem({ code, verifier, callback })
  assert.equal(status, 200, JSON.stringify(body))
  assert.ok(decodeJwt(body.access_token).sub)
  await useEverywhere(scene, body.access_token)
}
