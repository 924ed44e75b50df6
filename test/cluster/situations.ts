import assert from 'node:assert/strict'
import type { IssuedCode, TokenAnswer } from '../support/oauth.ts'
import { meeting, type Person, type Scene, scope, useEverywhere } from './scene.ts'
import { callInSession, hearOnStreams } from './streams.ts'

/** One for each replica: nginx gives each a request. */
const atOnce = [0, 1, 2]

type Tokens = TokenAnswer['body']

/** In the middle of what a replica is killed. Each plays one round, and throws where somebody could not go on. */
export const situations: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'login, between form and consent': async (scene) => {
    const together = meeting(atOnce.length + 1)
    const people = atOnce.map(() => scene.person(async (form) => (form === 2 ? together() : undefined)))
    const signedIn = Promise.all(people.map((person) => obtainTokens(scene, person)))
    await Promise.race([together(), signedIn])
    await scene.kill()
    for (const { access_token: token } of await signedIn) await useEverywhere(scene, token)
    assertAskedOnce(people)
  },

  'code redemption': async (scene) => {
    const people = atOnce.map(() => scene.person())
    const issued = await Promise.all(people.map((person) => obtainCode(scene, person)))
    const redeemed = Promise.all(
      people.map((person, index) => redeem(scene, person, issued[index] as IssuedCode)),
    )
    await scene.kill()
    for (const [index, { code, tokens }] of (await redeemed).entries()) {
      await useEverywhere(scene, tokens.access_token)
      const { client } = people[index] as Person
      for (const one of new Set([code, issued[index] as IssuedCode])) await assertUsedUp(client, one)
      const { body } = await client.refresh(tokens.refresh_token)
      assert.equal(body.error, 'invalid_grant', 'a code that is used twice ends what came from it')
    }
    assertAskedOnce(people)
  },

  refresh: async (scene) => {
    const people = atOnce.map(() => scene.person())
    const first = await Promise.all(people.map((person) => obtainTokens(scene, person)))
    const refresh = async ({ client }: Person, index: number): Promise<TokenAnswer> =>
      client.refresh((first[index] as Tokens).refresh_token)
    const refreshed = Promise.all(people.map(refresh))
    await scene.kill()
    for (const [index, { status, body }] of (await refreshed).entries()) {
      assert.equal(status, 200, JSON.stringify(body))
      await useEverywhere(scene, body.access_token)
      const person = people[index] as Person
      assert.deepEqual((await refresh(person, index)).body, body, 'a token has one successor')
      assert.equal((await person.client.refresh(body.refresh_token)).status, 200)
    }
    assertAskedOnce(people)
  },

  'a legacy session': async (scene) => {
    const person = scene.person()
    const { access_token: token } = await obtainTokens(scene, person, scene.cluster.sessionsUrl)
    await callInSession(scene, token)
    assertAskedOnce([person])
  },

  'an open stream': async (scene) => {
    const person = scene.person()
    const { access_token: token } = await obtainTokens(scene, person, scene.cluster.sessionsUrl)
    await hearOnStreams(scene, token)
    assertAskedOnce([person])
  },
}

/** The whole way of one person. A code that was lost with a replica is asked for anew. */
async function obtainTokens(
  scene: Scene,
  person: Person,
  resource: string = scene.cluster.demoUrl,
): Promise<Tokens> {
  return (await redeem(scene, person, await obtainCode(scene, person, resource))).tokens
}

/**
 * Asks for a code. Where an answer is lost that had one, the page that comes in its place has no way on, and the client
 * of the person asks again.
 */
async function obtainCode(
  scene: Scene,
  { client, browser }: Person,
  resource: string = scene.cluster.demoUrl,
): Promise<IssuedCode> {
  const retries = scene.patient.retries()
  try {
    return await client.authorize({ scope, resource }, browser)
  } catch (error) {
    if (scene.patient.retries() === retries) throw error
    scene.noteAnew()
    return client.authorize({ scope, resource }, browser)
  }
}

/** Redeems a code; where a killed replica had used it up and could not say so, another one, without a login. */
async function redeem(
  scene: Scene,
  person: Person,
  code: IssuedCode,
): Promise<{ code: IssuedCode; tokens: Tokens }> {
  const retries = scene.patient.retries()
  const { status, body } = await person.client.redeem(code)
  if (status === 200) return { code, tokens: body }
  assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  assert.ok(scene.patient.retries() > retries, 'a code was refused that nobody had used')
  scene.noteAnew()
  return redeem(scene, person, await obtainCode(scene, person))
}

async function assertUsedUp(client: Person['client'], code: IssuedCode): Promise<void> {
  const { status, body } = await client.redeem(code)
  assert.deepEqual([status, body.error], [400, 'invalid_grant'], 'a code was redeemed twice')
}

function assertAskedOnce(people: readonly Person[]): void {
  for (const { logins } of people) assert.equal(logins(), 1, 'somebody had to sign in again')
}
