import assert from 'node:assert/strict'
import type { IssuedCode, TokenAnswer } from '../support/oauth.ts'
import { meeting, type Person, type Scene, type Stage, scope, useEverywhere } from './scene.ts'
import { callInSession, hearOnStreams, type LegacySession } from './streams.ts'

/** One for each replica: nginx gives each a request. */
const atOnce = [0, 1, 2]

type Tokens = TokenAnswer['body']

/** Plays one round, and throws where somebody could not go on. */
type Situation = (scene: Scene) => Promise<void>

/** In the middle of what a replica is killed. Who refreshes and who has a session goes on from round to round. */
export function situations(): Readonly<Record<string, Situation>> {
  let refreshing: { person: Person; tokens: Tokens }[] | undefined
  let session: { person: Person; session: LegacySession } | undefined
  return {
    login: logIn,
    'code redemption': redeemCodes,

    async refresh(scene) {
      refreshing ??= await Promise.all(
        atOnce.map(async () => {
          const person = scene.person()
          return { person, tokens: await obtainTokens(scene, person) }
        }),
      )
      await scene.ready()
      const running = Promise.all(refreshing.map((one) => refreshUntilKilled(scene, one)))
      ;[refreshing] = await Promise.all([running, scene.kill()])
      assertAskedOnce(refreshing.map(({ person }) => person))
    },

    async 'a legacy session'(scene) {
      if (session === undefined) {
        const person = scene.person()
        const { access_token: token } = await obtainTokens(scene, person, scene.cluster.sessionsUrl)
        session = { person, session: { token, id: undefined, text: undefined } }
      }
      await scene.ready()
      session = { ...session, session: await callInSession(scene, session.session) }
      assertAskedOnce([session.person])
    },

    async 'an open stream'(scene) {
      const person = scene.person()
      const { access_token: token } = await obtainTokens(scene, person, scene.cluster.sessionsUrl)
      await scene.ready()
      await hearOnStreams(scene, token)
      assertAskedOnce([person])
    },
  }
}

/** Three people log in at once; the replica dies when all have come to one stage, another one in each round. */
async function logIn(scene: Scene): Promise<void> {
  await scene.ready()
  const stage = scene.stages[scene.round % scene.stages.length] as Stage
  const together = meeting(atOnce.length + 1)
  const people = atOnce.map(() => scene.person(async (at) => (at === stage ? together() : undefined)))
  const signedIn = Promise.all(people.map((person) => obtainTokens(scene, person)))
  await Promise.race([together(), signedIn])
  const [tokens] = await Promise.all([signedIn, scene.kill()])
  for (const [index, { access_token: token }] of tokens.entries()) {
    await useEverywhere(scene, token)
    const { name, browser } = people[index] as Person
    assert.ok(
      browser.lastPage.html.includes(`You are signed in as <strong>${name}</strong>`),
      browser.lastPage.html,
    )
  }
  assertAskedOnce(people)
}

/** Each of three people has three codes redeemed at once, the last of them by two who hold it. */
async function redeemCodes(scene: Scene): Promise<void> {
  const people = atOnce.map(() => scene.person())
  const codes = await Promise.all(people.map((person) => obtainCodes(scene, person)))
  await scene.ready()
  const running = people.map((person, index) => {
    const [one, two, stolen] = codes[index] as [IssuedCode, IssuedCode, IssuedCode]
    const twice = [person.client.redeem(stolen), person.client.redeem(stolen)]
    return [redeem(scene, person, one), redeem(scene, person, two), Promise.all(twice).then(assertOneAtMost)]
  })
  const [redemptions] = await Promise.all([Promise.all(running.map((one) => Promise.all(one))), scene.kill()])
  for (const [index, ofPerson] of redemptions.entries()) {
    const { client } = people[index] as Person
    for (const redemption of ofPerson) {
      if (redemption === undefined) continue
      const { codes: presented, tokens } = redemption
      await useEverywhere(scene, tokens.access_token)
      for (const code of presented) await assertUsedUp(client, code)
      const { body } = await client.refresh(tokens.refresh_token)
      assert.equal(body.error, 'invalid_grant', 'a code that is used twice ends what came from it')
    }
  }
  assertAskedOnce(people)
}

async function obtainCodes(scene: Scene, person: Person): Promise<IssuedCode[]> {
  const codes: IssuedCode[] = []
  for (const _ of atOnce) codes.push(await obtainCode(scene, person))
  return codes
}

function assertOneAtMost(answers: readonly TokenAnswer[]): void {
  for (const { status, body } of answers)
    assert.ok(status === 200 || body.error === 'invalid_grant', JSON.stringify(body))
  assert.ok(answers.filter(({ status }) => status === 200).length <= 1, 'a code was redeemed twice')
}

/** Refreshes again and again until the replica is dead, and once more. */
async function refreshUntilKilled(
  scene: Scene,
  { person, tokens }: { person: Person; tokens: Tokens },
): Promise<{ person: Person; tokens: Tokens }> {
  const refresh = async ({ refresh_token: token }: Tokens): Promise<Tokens> => {
    const { status, body } = await person.client.refresh(token)
    assert.equal(status, 200, JSON.stringify(body))
    return body
  }
  let current = tokens
  for (let isLast = false; ; ) {
    const next = await refresh(current)
    if (isLast) {
      await useEverywhere(scene, next.access_token)
      const again = await refresh(current)
      assert.equal(again.refresh_token, next.refresh_token, 'a token has one successor')
      return { person, tokens: await refresh(next) }
    }
    isLast = scene.isOver()
    current = next
  }
}

/** The whole way of one person. */
async function obtainTokens(scene: Scene, person: Person, resource?: string): Promise<Tokens> {
  return (await redeem(scene, person, await obtainCode(scene, person, resource), resource)).tokens
}

/** Asks for a code. */
function obtainCode(
  scene: Scene,
  { client, browser }: Person,
  resource: string = scene.cluster.demoUrl,
): Promise<IssuedCode> {
  return client.authorize({ scope, resource }, browser)
}

interface Redeemed {
  /** All that were presented, the last of them with success. */
  readonly codes: readonly IssuedCode[]
  readonly tokens: Tokens
}

/** Redeems a code; where a killed replica had used it up and could not say so, another one, without a login. */
async function redeem(scene: Scene, person: Person, code: IssuedCode, resource?: string): Promise<Redeemed> {
  const retries = scene.patient.retries()
  const { status, body } = await person.client.redeem(code)
  if (status === 200) return { codes: [code], tokens: body }
  assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  assert.ok(scene.patient.retries() > retries, 'a code was refused that nobody had used')
  scene.noteAnew()
  const { codes, tokens } = await redeem(scene, person, await obtainCode(scene, person, resource), resource)
  return { codes: [code, ...codes], tokens }
}

async function assertUsedUp(client: Person['client'], code: IssuedCode): Promise<void> {
  const { status, body } = await client.redeem(code)
  assert.deepEqual([status, body.error], [400, 'invalid_grant'], 'a code was redeemed twice')
}

function assertAskedOnce(people: readonly Person[]): void {
  for (const { name, logins } of people) assert.equal(logins(), 1, `${name} had to sign in again`)
}
