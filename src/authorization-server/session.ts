import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { type Clock, epochSeconds } from '../core/clock.ts'
import type { Site } from '../core/site.ts'
import type { Account, Identity } from '../identity/contract.ts'
import { cookieNames, longCookie } from './cookies.ts'
import { personLogin } from './paths.ts'

type Session = InstanceType<Provider['Session']>

/** A browser's request, and its answer. */
export interface Visit {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** A user whose browser has a valid session. */
export interface SignedIn {
  readonly accountId: string
  readonly account: Account
  /** The library's session. Its `uid` is not a bearer secret and stays the same until the next login. */
  readonly session: Session
}

/** A session in which somebody has logged in. It may outlast their account, or become valid again. */
interface LoggedIn {
  readonly accountId: string
  /** Undefined if the login is currently not valid. */
  readonly account: Account | undefined
  readonly session: Session
}

/**
 * The login of a browser, valid or not, for signing out. Verifies the library's signed session cookie with
 * the library's own code. The request is untrusted, and must have passed `speakAsSite`.
 */
export async function loggedIn(
  provider: Provider,
  identity: Identity,
  { req, res }: Visit,
): Promise<LoggedIn | undefined> {
  const session = await provider.Session.get(provider.createContext(req, res))
  const { accountId, loginTs } = session
  if (accountId === undefined) return undefined
  return { accountId, account: await currentAccount(identity, accountId, loginTs), session }
}

/**
 * The user who is signed in with this browser, for pages that belong to no authorization request: whoever has
 * logged in and may still use the account. Undefined for all others. The request is as for `loggedIn`.
 */
export async function signedIn(
  provider: Provider,
  identity: Identity,
  visit: Visit,
): Promise<SignedIn | undefined> {
  const found = await loggedIn(provider, identity, visit)
  return found?.account && { accountId: found.account.id, account: found.account, session: found.session }
}

/**
 * The account of a login, unless it may no longer be used or has ended its logins since. `loginTs` is in
 * seconds since the epoch.
 */
export async function currentAccount(
  identity: Identity,
  accountId: string,
  loginTs = 0,
): Promise<Account | undefined> {
  const account = await identity.find(accountId)
  return account?.loginsSince !== undefined && loginTs * 1000 <= account.loginsSince ? undefined : account
}

/** A user who has just logged in. */
export interface Login {
  readonly account: Account
  /** In seconds since the epoch. */
  readonly loginTs: number
}

/**
 * The time of a login whose check began at `begunAt`, in milliseconds since the epoch, and ended with this
 * account. The beginning is what counts, so that a password change during the check ends the login. But if
 * earlier logins were ended within the same second, the new one gets the next second, since the library does
 * not keep milliseconds.
 */
export function loginOf(account: Account, begunAt: number): Login {
  const next = account.loginsSince === undefined ? 0 : Math.floor(account.loginsSince / 1000) + 1
  return { account, loginTs: Math.max(Math.floor(begunAt / 1000), next) }
}

/**
 * A new credential is only for somebody who has just proved who they are, not for whoever finds a browser
 * open.
 */
const recentSeconds = 15 * 60

/** Whether a user logged in so recently that they need not prove again who they are. */
export function isRecent({ session }: SignedIn, clock: Clock): boolean {
  return (session.loginTs ?? 0) + recentSeconds > epochSeconds(clock)
}

/**
 * Where a page that requires a login sends users who are not signed in; the login leads back to the local
 * `path`.
 */
export function loginLocation(site: Site, path: string): string {
  return `${site.path(personLogin.login)}?${new URLSearchParams({ next: path }).toString()}`
}

/** How long logins last. */
export interface SessionLifetimes {
  /** Without activity, in seconds. */
  readonly idleSeconds: number
  /** At most, in seconds. */
  readonly sessionSeconds: number
}

/** How many more seconds a session may last that began at `loginTs`, in seconds since the epoch. */
export function sessionSeconds(
  { sessions, clock }: { readonly sessions: SessionLifetimes; readonly clock: Clock },
  loginTs = epochSeconds(clock),
): number {
  const left = loginTs + sessions.sessionSeconds - epochSeconds(clock)
  return Math.max(1, Math.min(sessions.idleSeconds, left))
}

/** Begins a new session for a user who has just logged in; the browser's previous session ends. */
export async function beginSession(
  provider: Provider,
  settings: { readonly site: Site; readonly sessions: SessionLifetimes; readonly clock: Clock },
  { req, res }: Visit,
  { account, loginTs }: Login,
): Promise<void> {
  const context = provider.createContext(req, res)
  await (await provider.Session.get(context)).destroy()
  const session = new provider.Session()
  session.loginAccount({ accountId: account.id, loginTs })
  await session.save(sessionSeconds(settings, loginTs))
  context.cookies.set(cookieNames(settings.site).session, session.jti, {
    ...longCookie(settings.site),
    expires: new Date(session.exp * 1000),
  })
}

/** Ends the session of a browser. What was granted in it remains. */
export async function endSession(provider: Provider, site: Site, { req, res }: Visit): Promise<void> {
  const context = provider.createContext(req, res)
  await (await provider.Session.get(context)).destroy()
  context.cookies.set(cookieNames(site).session, null, longCookie(site))
}
