import assert from 'node:assert/strict'
import type { Cluster } from '../support/cluster.ts'
import { FormBrowser } from '../support/form-browser.ts'
import { OAuthClient } from '../support/oauth.ts'
import { type PatientFetch, patientFetch } from '../support/patient-fetch.ts'

/** Somebody at a browser, with the client that they use. */
export interface Person {
  readonly browser: FormBrowser
  readonly client: OAuthClient
  /** How often they were asked who they are. */
  readonly logins: () => number
}

/** What a situation plays in: one cluster, of which one replica is about to be killed. */
export interface Scene {
  readonly cluster: Cluster
  /** Sends again what a killed replica did not answer. */
  readonly patient: PatientFetch
  /** Kills the replica of this round, a little later in each round than in the one before. */
  kill(): Promise<void>
  /** Where nginx reaches the replica of this round. */
  readonly address: string
  /** A code was lost with the replica that had issued or redeemed it: the client asks for another one. */
  noteAnew(): void
  /** Somebody who has not been here. `beforeSubmit` is called with the number of the form, from 1. */
  person(beforeSubmit?: (form: number) => Promise<void>): Person
  /** Calls an MCP server, and returns the answer. */
  post(url: string, token: string, body: object, session?: string): Promise<Response>
}

interface SceneOptions {
  readonly cluster: Cluster
  readonly target: number
  readonly delay: number
  readonly patient?: PatientFetch
  readonly onAnew: () => void
}

export const scope = 'mcp:tools:read mcp:tools:execute'
let people = 0

/** Sets the scene of one round. */
export function setScene({ cluster, target, delay, patient = patientFetch(), onAnew }: SceneOptions): Scene {
  const { send } = patient
  return {
    cluster,
    patient,
    address: cluster.addresses[target] as string,
    noteAnew: onAnew,
    async kill() {
      await new Promise((resolve) => setTimeout(resolve, delay))
      await cluster.kill(target)
    },
    person(beforeSubmit = async () => undefined) {
      let forms = 0
      const browser = new FormBrowser({
        send,
        fill: { name: `person_${++people}` },
        beforeSubmit: () => beforeSubmit(++forms),
      })
      return {
        browser,
        client: new OAuthClient(cluster.publicUrl, undefined, undefined, send),
        logins: () => browser.pages.filter(({ html }) => html.includes('name="name"')).length,
      }
    },
    post: (url, token, body, session) =>
      send(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          authorization: `Bearer ${token}`,
          ...(session === undefined
            ? {}
            : { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
      }),
  }
}

/** Holds whoever comes until so many are there. */
export function meeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let here = 0
  return () => {
    if (++here === count) resolve()
    return promise
  }
}

/** Whether a token is good everywhere: it is used once at each replica that lives. */
export async function useEverywhere(scene: Scene, token: string): Promise<void> {
  const body = { method: 'tools/call', params: { name: 'add', arguments: { a: 2, b: 3 } } }
  for (const _ of scene.cluster.addresses) {
    const answer = await scene.post(scene.cluster.demoUrl, token, body)
    const text = await answer.text()
    assert.equal(answer.status, 200, text)
    assert.match(text, /"result":5/)
  }
}
