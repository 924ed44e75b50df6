import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type Cluster, startCluster } from '../support/cluster.ts'
import { type Glewlwyd, startGlewlwyd } from '../support/glewlwyd.ts'
import { type Acknowledged, patientFetch } from '../support/patient-fetch.ts'
import { glewlwydSetting, signInAtGlewlwyd } from './provider-login.ts'
import { useInspector, useSdk } from './real-clients.ts'
import { setScene } from './scene.ts'
import { situations } from './situations.ts'

/**
 * With CLUSTER=full a replica is killed ten times in each situation, and Glewlwyd and the Inspector take part; else once in
 * three situations.
 */
const full = process.env['CLUSTER'] === 'full'
const replicas = 3
const names = Object.keys(situations)
const kills = full ? 50 : 3

/** Milliseconds from the beginning of what is going on to the kill, by round. */
const delays = [5, 0, 2, 10, 15, 20, 30, 45, 8, 60]

interface Row {
  kills: number
  retries: number
  anew: number
}

const rows = new Map<string, Row>()
const acknowledged: Acknowledged[] = []
let cluster: Cluster
let glewlwyd: Glewlwyd | undefined
const opened: (() => unknown)[] = []

before(async () => {
  if (full) {
    glewlwyd = await startGlewlwyd()
    opened.push(() => glewlwyd?.close())
  }
  const config = async (publicUrl: string): Promise<ConfigInput> => {
    if (glewlwyd === undefined) return {}
    const setting = glewlwydSetting(glewlwyd)
    await glewlwyd.addClient(setting.clientId, setting.clientSecret, `${publicUrl}/login/callback/glewlwyd`)
    await glewlwyd.addUser('ada', 'Ada Lovelace')
    return { login: { users: 'development', providers: [setting] } }
  }
  cluster = await startCluster({ after: (close) => opened.push(close) }, { replicas, config })
})
after(async () => {
  for (const close of opened.toReversed()) await close()
})

const say = (line: string): boolean => process.stdout.write(`${line}\n`)

describe('three replicas behind nginx, of which one is killed in the middle of', { timeout: 900_000 }, () => {
  for (let kill = 0; kill < kills; kill++) {
    // In the small version the first, the third and the last.
    const name = names[full ? kill % names.length : kill * 2] as string
    const target = kill % replicas
    it(`${name}, kill ${kill + 1}: whoever tries again goes on (A72)`, async () => {
      const row = rows.get(name) ?? { kills: 0, retries: 0, anew: 0 }
      rows.set(name, row)
      const patient = patientFetch()
      const delay = delays[Math.floor(kill / names.length) % delays.length] as number
      const scene = setScene({ cluster, target, delay, patient, onAnew: () => row.anew++ })
      try {
        await situations[name]?.(scene)
      } finally {
        await cluster.kill(target) // where the round ended before
        await cluster.revive(target)
      }
      acknowledged.push(...patient.acknowledged)
      row.kills++
      row.retries += patient.retries()
      say(`kill ${kill + 1} of ${kills}: ${name}, replica ${target + 1}, ${patient.retries()} sent again`)
    })
  }

  if (full) {
    for (const mode of ['legacy', 'auto'] as const) {
      it(`SDK v2, ${mode}, between sign-in, step-up and call: it goes on (A72)`, async () => {
        const patient = patientFetch()
        const revivals: Promise<void>[] = []
        await useSdk(cluster, patient, mode, async () => {
          const target = revivals.length % replicas
          await cluster.kill(target)
          revivals.push(cluster.revive(target))
        })
        await Promise.all(revivals)
        acknowledged.push(...patient.acknowledged)
        say(`SDK v2, ${mode}: signed in, stepped up and called, ${patient.retries()} sent again`)
      })
    }

    for (const era of ['legacy', 'auto', 'modern'] as const) {
      it(`Inspector CLI, ${era}: signs in, steps up and calls`, async () => {
        await useInspector(cluster, era)
        say(`Inspector CLI, ${era}: signed in, stepped up and called`)
      })
    }

    it('a login at Glewlwyd: the person comes back and goes on (A72)', async () => {
      const patient = patientFetch()
      const scene = setScene({ cluster, target: 0, delay: 0, patient, onAnew: () => undefined })
      await signInAtGlewlwyd(scene, glewlwyd as Glewlwyd)
      await cluster.revive(0)
      acknowledged.push(...patient.acknowledged)
      say(`login at Glewlwyd: ${patient.retries()} sent again`)
    })
  }

  it('no event is lost of what anybody was answered, and every chain verifies (A72)', async () => {
    const events = new Set((await cluster.audit()).map(({ requestId }) => requestId))
    const lost = acknowledged.filter(({ requestId }) => !events.has(requestId))
    assert.deepEqual(lost, [])
    for (let index = 0; index < replicas; index++) {
      const { code, stdout, stderr } = await cluster.verify(index)
      assert.equal(code, 0, stdout + stderr)
      say(`replica ${index + 1}: ${stdout.trim().replaceAll('\n', '\n  ')}`)
    }
    assert.ok((await cluster.redis.keys()).length > 0, 'limits were counted in Redis')
  })

  it('and so it went', () => {
    say('| killed in the middle of | kills | requests sent again | codes asked for anew |')
    say('|---|---|---|---|')
    for (const [name, row] of rows) say(`| ${name} | ${row.kills} | ${row.retries} | ${row.anew} |`)
    say(`${acknowledged.length} answers, each with its event; nobody signed in again`)
  })
})
