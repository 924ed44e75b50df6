import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { Account, Identity } from '../identity/contract.ts'

type Session = InstanceType<Provider['Session']>

/** A person whose browser has a session that counts. */
export interface SignedIn {
  readonly accountId: string
  readonly account: Account
  /** The library's session. Its `uid` is no bearer secret and stays the same until the next login. */
  readonly session: Session
}

/**
 * Who is signed in at this browser, for pages that belong to no authorization request: verifies the library's signed
 * session cookie with the library's own code, and that the account may still be used. Undefined for everybody else.
 * The request is untrusted, and must have passed `speakAsPublicOrigin`.
 */
export async function signedIn(
  provider: Provider,
  identity: Identity,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<SignedIn | undefined> {
  const session = await provider.Session.get(provider.createContext(req, res))
  if (session.accountId === undefined) return undefined
  const account = await currentAccount(identity, session.accountId, session.loginTs)
  return account && { accountId: account.id, account, session }
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
  const since = Math.floor((account?.loginsSince ?? 0) / 1000)
  return loginTs < since ? undefined : account
}

/** Where a person who is not signed in is sent by a page that needs it; the login leads back to `path`, a page of ours. */
export function loginLocation(path: string): string {
  return `/login?${new URLSearchParams({ next: path }).toString()}`
}
