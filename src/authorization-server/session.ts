import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { type Clock, epochSeconds } from '../core/clock.ts'
import type { Site } from '../core/site.ts'
import type { Account, Identity } from '../identity/contract.ts'
import { cookieNames, longCookie } from './cookies.ts'
import { personLogin } from './paths.ts'

type Session = InstanceType<Provider['Session']>

/** A person whose browser has a session that counts. */
export interface SignedIn {
  readonly accountId: string
  readonly account: Account
  /** The library's session. Its `uid` is no bearer secret and stays the same until the next login. */
  readonly session: Session
}

/** A session in which somebody has logged in. It may outlast their account, or come to count again. */
interface LoggedIn {
  readonly accountId: string
  /** Undefined where the login does not count at the moment. */
  readonly account: Account | undefined
  readonly session: Session
}

/**
 * The login that a browser has, whether it counts or not: for signing out. Verifies the library's signed session cookie
 * with the library's own code. The request is untrusted, and must have passed `speakAsSite`.
 */
export async function loggedIn(
  provider: Provider,
  identity: Identity,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<LoggedIn | undefined> {
  const session = await provider.Session.get(provider.createContext(req, res))
  const { accountId, loginTs } = session
  if (accountId === undefined) return undefined
  return { accountId, account: await currentAccount(identity, accountId, loginTs), session }
}

/**
 * Who is signed in at this browser, for pages that belong to no authorization request: whoever has logged in and may still
 * use the account. Undefined for everybody else. The request is as for `loggedIn`.
 */
export async function signedIn(
  provider: Provider,
  identity: Identity,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<SignedIn | undefined> {
  const found = await loggedIn(provider, identity, req, res)
  return found?.account && { accountId: found.account.id, account: found.account, session: found.session }
}

/**
 * The account of a login, unless it may not be used any more or has ended its logins since. `loginTs` is in seconds
 * since the epoch.
 */
export async function currentAccount(
  identity: Identity,
  accountId: string,
  loginTs = 0,
): Promise<Account | undefined> {
  const account = await identity.find(accountId)
  return account?.loginsSince !== undefined && loginTs * 1000 <= account.loginsSince ? undefined : account
}

/** Somebody who has just logged in. */
export interface Login {
  readonly account: Account
  /** In seconds since the epoch. */
  readonly loginTs: number
}

/**
 * The time of a login whose check began at `begunAt`, in milliseconds since the epoch, and ended with this account. It
 * is the beginning that counts, so that a password which changes during the check ends the login; but a login that
 * the end of earlier ones has let in bears the next second, since the library keeps no milliseconds.
 */
export function loginOf(account: Account, begunAt: number): Login {
  const next = account.loginsSince === undefined ? 0 : Math.floor(account.loginsSince / 1000) + 1
  return { account, loginTs: Math.max(Math.floor(begunAt / 1000), next) }
}

/** A new way in is for somebody who has just proved who they are, not for whoever finds a browser open. */
const recentSeconds = 15 * 60

/** Whether a person logged in so lately that they need not prove again who they are. */
export function isRecent({ session }: SignedIn, clock: Clock): boolean {
  return (session.loginTs ?? 0) + recentSeconds > epochSeconds(clock)
}

/** Where a person who is not signed in is sent by a page that needs it; the login leads back to the local `path`. */
export function loginLocation(site: Site, path: string): string {
  return `${site.path(personLogin.login)}?${new URLSearchParams({ next: path }).toString()}`
}

/** How long logins last. */
export interface SessionLifetimes {
  /** Without a visit, in seconds. */
  readonly idleSeconds: number
  /** At most, in seconds. */
  readonly sessionSeconds: number
}

/** How many seconds a session may go on that was begun at `loginTs`, in seconds since the epoch. */
export function sessionSeconds(
  { sessions, clock }: { readonly sessions: SessionLifetimes; readonly clock: Clock },
  loginTs = epochSeconds(clock),
): number {
  const left = loginTs + sessions.sessionSeconds - epochSeconds(clock)
  return Math.max(1, Math.min(sessions.idleSeconds, left))
}

/** One browser's request, and its answer. */
export interface Visit {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** Begins a session of its own for somebody who has just logged in; the one that the browser had before ends. */
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

/** Ends the session of a browser. What it has granted goes on. */
export async function endSession(provider: Provider, site: Site, { req, res }: Visit): Promise<void> {
  const context = provider.createContext(req, res)
  await (await provider.Session.get(context)).destroy()
  context.cookies.set(cookieNames(site).session, null, longCookie(site))
}
