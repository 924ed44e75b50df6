import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { RecordedEvent } from '../../src/audit/event.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { fakeBrowserCommand } from '../support/fake-browser-command.ts'
import { patientFetch } from '../support/patient-fetch.ts'
import { clientModules } from '../support/tools.ts'
import { type ProviderLogin, startProviderLogin } from './provider-login.ts'
import { useInspector, useSdk } from './real-clients.ts'
import { type Scene, setScene } from './scene.ts'
import { situations } from './situations.ts'

/**
 * With CLUSTER=full a replica is killed ten times in each situation, everybody signs in at Glewlwyd, and SDK and Inspector
 * take part; else once in three situations.
 */
const full = process.env['CLUSTER'] === 'full'
const replicas = 3
const played = situations()
const names = Object.keys(played)
const kills = full ? 50 : 3
/** After which something hangs. */
const timeout = 300_000

/** Milliseconds from the beginning of what is going on to the kill, by round. */
const delays = [5, 0, 2, 10, 15, 20, 30, 45, 8, 60]

interface Row {
  kills: number
  retries: number
  passedOn: number
  anew: number
  broken: number
}

const untold = (): Row => ({ kills: 0, retries: 0, passedOn: 0, anew: 0, broken: 0 })

const rows = new Map<string, Row>()
const patient = patientFetch()
let cluster: Cluster
let provider: ProviderLogin | undefined
const opened: (() => unknown)[] = []

before(async () => {
  const test = { after: (close: () => unknown) => opened.push(close) }
  const config = async (publicUrl: string): Promise<ConfigInput> => {
    if (!full) return {}
    provider = await startProviderLogin(publicUrl)
    opened.push(() => provider?.close())
    return { login: provider.setting }
  }
  if (full) await clientModules() // which takes a while when it is the first time
  cluster = await startCluster(test, { replicas, config })
})
after(async () => {
  for (const close of opened.toReversed()) await close()
})

const say = (line: string): boolean =>
  process.stdout.write(`${Math.round(performance.now() / 1000)} s: ${line}\n`)

const isRedemption = ({ event, outcome, grantType }: RecordedEvent): boolean =>
  event === 'oauth.token' && outcome === 'allowed' && grantType === 'authorization_code'

const ready = async (): Promise<void> => {
  await cluster.revived()
  await cluster.untilServing()
}

const scene = (row: Row, target: number): Scene => {
  const round = row.kills
  const delay = delays[round % delays.length] as number
  const notes = { noteAnew: () => row.anew++, noteBroken: () => row.broken++ }
  return setScene({ cluster, target, round, delay, patient, provider, ready, ...notes })
}

describe('three replicas behind nginx, of which one is killed in the middle of', {
  timeout: 1_800_000,
}, () => {
  for (let kill = 0; kill < kills; kill++) {
    // In the small version the first, the third and the last.
    const name = names[full ? kill % names.length : kill * 2] as string
    const target = kill % replicas
    it(`${name}, kill ${kill + 1}: whoever tries again goes on (A72)`, { timeout }, async () => {
      const row = rows.get(name) ?? untold()
      rows.set(name, row)
      const [retries, passedOn] = [patient.retries(), patient.passedOn()]
      try {
        await played[name]?.(scene(row, target))
      } catch (error) {
        say(`kill ${kill + 1} of ${kills}: ${name}, replica ${target + 1}: ${(error as Error).stack}`)
        throw error
      } finally {
        await cluster.kill(target) // where the round ended before
        if (full || kill + 1 < kills) cluster.revive(target)
      }
      row.kills++
      row.retries += patient.retries() - retries
      row.passedOn += patient.passedOn() - passedOn
      say(`kill ${kill + 1} of ${kills}: ${name}, replica ${target + 1}`)
    })
  }

  if (full) {
    for (const mode of ['legacy', 'auto'] as const) {
      it(`SDK v2, ${mode}, between sign-in, step-up and call: it goes on (A72)`, { timeout }, async () => {
        let target = 0
        await ready()
        const person = scene(untold(), target).person()
        await useSdk(cluster, {
          mode,
          person,
          patient,
          async whileSignedIn() {
            await ready()
            await cluster.kill(target)
            cluster.revive(target)
            target = (target + 1) % replicas
          },
        })
        say(`SDK v2, ${mode}: signed in, stepped up and called, ${target} times without a replica`)
      })
    }

    for (const era of ['legacy', 'auto', 'modern'] as const) {
      it(`Inspector CLI, ${era}: signs in, steps up and calls`, { timeout }, async () => {
        await ready()
        const user = `inspector_${era}`
        await provider?.arrive(user)
        await useInspector(cluster, era, fakeBrowserCommand({ issuer: provider?.issuer ?? '', user }))
        say(`Inspector CLI, ${era}: signed in, stepped up and called`)
      })
    }
  }

  it('no code gave tokens twice (A72)', async () => {
    const answered = [...patient.redeemed.values()].filter((count) => count !== 1)
    assert.deepEqual(answered, [])
    const issued = cluster
      .audit()
      .filter(isRedemption)
      .map(({ grant }) => grant)
    assert.equal(new Set(issued).size, issued.length, 'a grant was given tokens for a code twice')
    say(`${patient.redeemed.size} codes redeemed, each of them once`)
  })

  it('no event is lost of what anybody was answered, and every chain verifies (A72)', async () => {
    const events = new Set(cluster.audit().map(({ requestId, event }) => `${requestId} ${event}`))
    const lost = patient.acknowledged.filter(({ requestId, event }) => !events.has(`${requestId} ${event}`))
    assert.deepEqual(lost, [])
    for (let index = 0; index < replicas; index++) {
      const { code, stdout, stderr } = await cluster.verify(index)
      assert.equal(code, 0, stdout + stderr)
      say(`replica ${index + 1}: ${stdout.trim().replaceAll('\n', '\n  ')}`)
    }
    assert.ok((await cluster.redis.keys()).length > 0, 'limits were counted in Redis')
  })

  it('the report says of each step how often somebody had to try again', () => {
    const cells = ['sent again by nginx', 'by whoever asked', 'streams broken off', 'codes asked for anew']
    say(`| killed in the middle of | kills | ${cells.join(' | ')} |`)
    say('|---|---|---|---|---|---|')
    for (const [name, { kills: times, passedOn, retries, broken, anew }] of rows) {
      say(`| ${[name, times, passedOn, retries, broken, anew].join(' | ')} |`)
      if (full) assert.ok(passedOn + retries + broken > 0, `no kill came in the middle of ${name}`)
    }
    say(`${patient.acknowledged.length} answers, each with its event; nobody signed in again`)
  })
})
