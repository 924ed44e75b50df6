import assert from 'node:assert/strict'
import type { Cluster } from '../support/cluster.ts'
import { FormBrowser } from '../support/form-browser.ts'
import type { GlewlwydVisitor } from '../support/glewlwyd-visitor.ts'
import { OAuthClient } from '../support/oauth.ts'
import type { PatientFetch } from '../support/patient-fetch.ts'
import type { ProviderLogin } from './provider-login.ts'

/** Where a person is on their way, each time before the next request: about to log in, at the provider, back from it, about to agree. */
export type Stage = 'login' | 'provider' | 'callback' | 'consent'

/** Somebody at a browser, with the client that they use. */
export interface Person {
  readonly name: string
  readonly browser: FormBrowser
  readonly client: OAuthClient
  /** How often they were asked who they are, here or at the provider. */
  readonly logins: () => number
}

/** What a situation plays in: one cluster, of which one replica is about to be killed. */
export interface Scene {
  readonly cluster: Cluster
  /** How often this situation was played before. */
  readonly round: number
  /** The stages of a login here. */
  readonly stages: readonly Stage[]
  /** Sends again what a killed replica did not answer. */
  readonly patient: PatientFetch
  /** Resolves when the replica that was killed before is there again. */
  ready(): Promise<void>
  /** Kills the replica of this round, a little later in each round than in the one before. */
  kill(): Promise<void>
  /** Whether it is killed. */
  readonly isOver: () => boolean
  /** Where nginx reaches the replica of this round. */
  readonly address: string
  /** A code was used up by the replica that was killed before it could answer: the client asks for another one. */
  noteAnew(): void
  /** A stream ended with the replica that was killed. */
  noteBroken(): void
  /** Somebody who has not been here. */
  person(before?: (stage: Stage) => Promise<void>): Person
  /** Calls an MCP server, and returns the answer. */
  post(url: string, token: string, body: object, session?: string): Promise<Response>
}

interface SceneOptions
  extends Pick<Scene, 'cluster' | 'round' | 'patient' | 'ready' | 'noteAnew' | 'noteBroken'> {
  readonly target: number
  readonly delay: number
  /** Undefined where everybody types a name. */
  readonly provider: ProviderLogin | undefined
}

export const scope = 'mcp:tools:read mcp:tools:execute'
let people = 0

/** Sets the scene of one round. */
export function setScene(options: SceneOptions): Scene {
  const { cluster, target, delay, patient, provider } = options
  const { send } = patient
  let isOver = false
  return {
    ...options,
    stages: provider === undefined ? ['consent', 'login'] : ['callback', 'consent', 'provider', 'login'],
    address: cluster.addresses[target] as string,
    isOver: () => isOver,
    async kill() {
      await new Promise((resolve) => setTimeout(resolve, delay))
      await cluster.kill(target)
      isOver = true
    },
    person: (before) => bringPerson(cluster, { send, provider, before }),
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

interface PersonOptions extends Pick<SceneOptions, 'provider'> {
  readonly send: typeof fetch
  readonly before: ((stage: Stage) => Promise<void>) | undefined
}

function bringPerson(
  cluster: Cluster,
  { send, provider, before = async () => undefined }: PersonOptions,
): Person {
  const name = `person_${++people}`
  let forms = 0
  let visitor: GlewlwydVisitor | undefined
  const browser = new FormBrowser({
    send,
    fill: { name },
    beforeSubmit: () => before(forms++ === 0 ? 'login' : 'consent'),
    async elsewhere(url) {
      if (provider === undefined || !url.href.startsWith(provider.issuer)) return undefined
      visitor ??= await provider.arrive(name)
      await before('provider')
      const callback = await visitor.visit(url)
      await before('callback')
      return callback
    },
  })
  const isLogin = ({ html }: { html: string }): boolean => /action="[^"]*\/login(?:\/provider)?"/.test(html)
  return {
    name,
    browser,
    client: new OAuthClient(cluster.publicUrl, undefined, undefined, send),
    logins: () => Math.max(browser.pages.filter(isLogin).length, visitor?.signIns() ?? 0),
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
