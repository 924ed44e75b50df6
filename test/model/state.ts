import { ScopeSet, withoutWildcard } from '../../src/core/scope.ts'
import type { FormBrowser } from '../support/form-browser.ts'
import type { OAuthClient } from '../support/oauth.ts'
import { lifetimes } from './configuration.ts'

/** A user with their one browser. */
export interface Person {
  readonly name: string
  readonly id: string
  password: string
  disabled: boolean
  /** Logins that failed since the last one that did not. */
  failures: number
  readonly browser: FormBrowser
  /** What the browser types and presses. */
  readonly habits: { readonly fill: Record<string, string>; decision: 'approve' | 'deny'; forms: number }
  /** When the user logged in and was last active, in milliseconds since the epoch. */
  session: { readonly loginAt: number; usedAt: number } | undefined
}

/** A program. */
export interface Program {
  readonly name: string
  readonly kind: 'native' | 'web' | 'confidential' | 'television' | 'machine' | 'agent' | 'helper'
  oauth: OAuthClient
  /** Sent with each request to the token endpoint. */
  readonly credential: Readonly<Record<string, string>>
  blocked: boolean
  removed: boolean
  /** Until when the server remembers it, whatever happens. */
  keptUntil: number
  /** When an operator last ended everything that it had. */
  endedAt: number
}

/** What was asked for with a refresh token, and when. */
interface Use {
  readonly at: number
  readonly request: string
}

/** What a user let a program do. */
export interface Grant {
  readonly person: Person
  readonly program: Program
  readonly resource: string
  readonly scopes: readonly string[]
  readonly endsAt: number
  /** Why it is over. */
  over: string | undefined
  /** All refresh tokens, the current one last. */
  readonly refreshTokens: string[]
  /** The uses of all but the last. */
  readonly uses: Use[]
  /** When the current refresh token ends. */
  idleAt: number
  challengedUntil: number
  /** Sets of scopes that the program has been told about, until when. */
  readonly told: Map<string, number>
}

/** An authorization code. */
export interface Code {
  readonly code: string
  readonly verifier: string
  readonly grant: Grant
  readonly endsAt: number
  used: boolean
}

/** A page that asks for a decision. */
export interface OpenPage extends Pick<Grant, 'person' | 'program' | 'resource' | 'scopes'> {
  readonly verifier: string
  readonly action: string
  readonly csrf: string
  /** The session of the user at the time. */
  readonly session: Person['session']
  readonly endsAt: number
  decided: boolean
}

/** A device that waits for its user. */
export interface Device {
  readonly deviceCode: string
  readonly userCode: string
  readonly program: Program
  readonly resource: string
  readonly scopes: readonly string[]
  readonly endsAt: number
  state: 'waiting' | 'denied' | 'used' | { readonly approved: Grant }
  /** The last slice of time in which it asked. */
  askedIn: number | undefined
  /** The grant of its tokens. */
  gave?: Grant
}

/** An access token. */
export interface AccessToken {
  readonly text: string
  readonly kid: string
  readonly jti: string
  readonly program: Program
  readonly resource: string
  readonly subject: string
  readonly scopes: readonly string[]
  readonly issuedAt: number
  readonly endsAt: number
  readonly grant: Grant | undefined
  /** Whom an operator can block to end it, in addition to its grant. */
  readonly holders: readonly Program[]
  /** What it was exchanged for. */
  readonly origin: AccessToken | undefined
  revoked: boolean
}

/** What a user agreed to for a program at a resource: scopes with the time until which they count. */
type Remembered = Map<string, number>

/** All that matters of what has happened. */
export interface Model {
  readonly people: Person[]
  readonly programs: Program[]
  readonly grants: Grant[]
  readonly pages: OpenPage[]
  readonly codes: Code[]
  readonly devices: Device[]
  readonly tokens: AccessToken[]
  readonly remembered: Map<string, Remembered>
  /** Scopes that a program was found to lack, by program and user. */
  readonly needs: Map<
    string,
    { readonly resource: string; readonly scopes: string[]; readonly until: number }
  >
  /** Keys that were retired. */
  readonly retired: Set<string>
}

/** A model in which nothing has happened. */
export function emptyModel(): Model {
  return {
    people: [],
    programs: [],
    grants: [],
    pages: [],
    codes: [],
    devices: [],
    tokens: [],
    remembered: new Map(),
    needs: new Map(),
    retired: new Set(),
  }
}

/** The name of what concerns a program and a user, and perhaps a resource. */
export function pairOf(program: Program, person: Person, resource = ''): string {
  return [program.name, person.name, resource].join(' ')
}

/** Whether a grant can still give something. */
export function isStanding(grant: Grant): boolean {
  return grant.over === undefined && Date.now() < grant.endsAt
}

/** A program that is in use is kept at least as long as a refresh token. */
export function noteUse(program: Program): void {
  program.keptUntil = Math.max(program.keptUntil, Date.now() + lifetimes.refreshIdleSeconds * 1000)
}

/** Whether the server knows a program. */
export function isKnown({ blocked, removed }: Program): boolean {
  return !blocked && !removed
}

/** Ends grants, for a reason. */
export function endGrants(model: Model, reason: string, which: (grant: Grant) => boolean): void {
  for (const grant of model.grants) if (grant.over === undefined && which(grant)) grant.over = reason
}

/** By how much clocks may differ. */
const toleranceMilliseconds = 6000

/** How long after the end of a program's access its own new tokens are refused as well. */
const doubtMilliseconds = 16_000

/** Whether an access token must be accepted; undefined for the seconds in which either is right. */
export function isGood(model: Model, token: AccessToken): boolean | undefined {
  const { grant, origin, holders, kid } = token
  if (token.revoked || model.retired.has(kid) || grant?.over !== undefined) return false
  // Those of the second in which doubt ends are not judged.
  for (const { endedAt } of holders) {
    if (token.issuedAt <= endedAt) return false
    if (token.issuedAt <= endedAt + doubtMilliseconds + 1000) return undefined
  }
  const ofOrigin = origin === undefined ? true : isGood(model, origin)
  if (ofOrigin !== true) return ofOrigin
  const left = token.endsAt - Date.now()
  return Math.abs(left) < toleranceMilliseconds ? undefined : left > 0
}

/** Whether a user's browser is signed in. */
export function isSignedIn({ session, disabled }: Person): boolean {
  if (session === undefined || disabled) return false
  const now = Date.now()
  return (
    now < session.loginAt + lifetimes.sessionSeconds * 1000 &&
    now < session.usedAt + lifetimes.sessionIdleSeconds * 1000
  )
}

/** Whether a user need not be asked for these scopes. */
export function isRemembered(
  model: Model,
  { program, person, resource, scopes }: Pick<Grant, 'program' | 'person' | 'resource' | 'scopes'>,
): boolean {
  const remembered = model.remembered.get(pairOf(program, person, resource)) ?? new Map<string, number>()
  const now = Date.now()
  const agreed = new ScopeSet([...remembered].filter(([, until]) => until > now).map(([scope]) => scope))
  return scopes.every((scope) => agreed.covers(withoutWildcard(scope)))
}

/** Forgets what a user agreed to: for all programs, or for one. */
export function forgetConsent(model: Model, person?: Person, program?: Program): void {
  for (const key of model.remembered.keys()) {
    const [programName, personName] = key.split(' ')
    if (
      (person === undefined || personName === person.name) &&
      (program === undefined || programName === program.name)
    )
      model.remembered.delete(key)
  }
}
