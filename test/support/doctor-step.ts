import assert from 'node:assert/strict'
import type { AuthorizationRequest } from '../../src/doctor/authorization-request.ts'
import type { ServerFacts, Visit } from '../../src/doctor/contract.ts'
import { profiles } from '../../src/doctor/profiles.ts'
import type { Reply } from '../../src/doctor/reply.ts'
import { createReport } from '../../src/doctor/report.ts'

/** The server that is examined. */
export const origin = 'https://mcp.example.com'
/** What it says of itself. */
export const resource = { issuer: origin, resource: `${origin}/mcp`, scopes: [] }
/** What its authorization server says of itself. */
export const server: ServerFacts = {
  issuer: origin,
  authorizationEndpoint: `${origin}/authorize`,
  tokenEndpoint: `${origin}/token`,
  authMethods: [],
  registrationEndpoint: `${origin}/register`,
  metadataUrl: `${origin}/.well-known/oauth-authorization-server`,
  scopes: [],
  sendsIssuer: false,
  takesDocuments: false,
}
/** A client that is registered there. */
export const client = { id: 'one', redirectUri: 'http://127.0.0.1:1/callback' }
/** A request of that client. */
export const request: AuthorizationRequest = {
  url: `${origin}/authorize?state=the-state`,
  state: 'the-state',
  verifier: 'v',
}

/** What a server answers; `json` is its body. */
export type Answer = Partial<Reply> & { readonly json?: unknown }
/** Answers by what a URL ends with, or the only answer. */
export type Answers = Answer | readonly (readonly [ending: string, Answer])[]
/** A step of an examination. */
export type Step = (visit: Visit) => unknown

/** What a step finds at a server that answers so: `mark check: cause or detail`. */
async function find(step: Step, answers: Answers, changes: Partial<Visit> = {}): Promise<string[]> {
  const profile = profiles['inspector-direct']
  const report = createReport(() => undefined)
  await step({
    endpoint: new URL(`${origin}/mcp`),
    profile,
    revision: profile.revision,
    credentials: { kind: 'none' },
    report,
    say: () => undefined,
    async ask(url) {
      const known = Array.isArray(answers) ? answers.find(([ending]) => url.endsWith(ending))?.[1] : answers
      const { json, ...rest } = (known ?? { status: 404 }) as Answer
      const text = json === undefined ? '' : JSON.stringify(json)
      return { url, status: 200, headers: {}, cookies: [], text, ...rest }
    },
    ...changes,
  })
  return report.findings.map(({ mark, check, cause, detail }) => `${mark} ${check}: ${cause ?? detail ?? ''}`)
}

/** What is examined, the step, what the server answers, what is found, and what else is special. */
export type Row = readonly [
  what: string,
  act: Step,
  answers: Answers,
  found: RegExp,
  changes?: Partial<Visit>,
]

/** Asserts what a step finds at a server that answers so. */
export async function assertFound([, act, answers, found, changes]: Row): Promise<void> {
  assert.match((await find(act, answers, changes)).join('\n'), found)
}
