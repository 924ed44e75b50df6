import { FormBrowser } from '../../test/support/form-browser.ts'
import { OAuthClient, type TokenAnswer } from '../../test/support/oauth.ts'
import { type ProofKey, proofKey } from '../../test/support/proofs.ts'
import { type Lane, lanes, pathOf, usersOf } from './lanes.ts'
import { clientId } from './processes.ts'

/** A logged-in user of one of the servers. */
export interface User {
  readonly name: string
  readonly lane: Lane
  /** The URL of the server at the gateway. */
  readonly url: string
  /** The key that the token is bound to. */
  readonly key: ProofKey | undefined
  /** The current access token, and when it expires, in milliseconds. */
  token: string
  expiresAt: number
  refreshToken: string
  /** The session of its requests in the legacy era. */
  session: string
}

/** All users, whose tokens are kept fresh. */
export interface Users {
  readonly all: readonly User[]
  readonly counts: { refreshed: number; refreshFailed: number }
  /** Called when a user has a new token. */
  onRefreshed: (user: User) => void
  stop(): void
}

const loginsAtOnce = 4
const retryMilliseconds = 2000

/** The headers that authorize a request of a user: valid only once if the token is bound. */
export async function credentialsOf({ key, token, url }: User, method: string): Promise<string[]> {
  if (key === undefined) return ['authorization', `Bearer ${token}`]
  return ['authorization', `DPoP ${token}`, 'dpop', await key.prove({ method, url, token })]
}

/**
 * Logs users of each server in, each through the pages, and refreshes their tokens before they expire, spread
 * over time.
 */
export async function logIn(url: string, count: number, tokenSeconds: number): Promise<Users> {
  const client = new OAuthClient(url, clientId)
  const counts = { refreshed: 0, refreshFailed: 0 }
  const timers = new Set<NodeJS.Timeout>()

  const proofOf = async (key: ProofKey | undefined): Promise<Record<string, string>> =>
    key === undefined ? {} : { dpop: await key.prove({ url: `${url}/token` }) }

  const signIn = async (lane: Lane, name: string): Promise<User> => {
    const key = lane.bound ? await proofKey() : undefined
    const server = url + pathOf(lane)
    const issued = await client.authorize(
      { scope: 'mcp:*', resource: server },
      new FormBrowser({ fill: { name } }),
    )
    const { status, body } = await client.redeem(issued, {}, await proofOf(key))
    if (status !== 200) throw new Error(`${name} got no token: ${status} ${body.error}`)
    return { name, lane, url: server, key, session: '', ...tokensOf(body) }
  }

  const waiting = lanes.flatMap((lane) =>
    Array.from({ length: usersOf(lane, { users: count }) }, (_, index) => ({
      lane,
      name: `${lane.name}${index + 1}`,
    })),
  )
  const all: User[] = []
  const logInOneByOne = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      all.push(await signIn(next.lane, next.name))
  }
  await Promise.all(Array.from({ length: loginsAtOnce }, logInOneByOne))

  let stopped = false
  const later = (user: User, milliseconds: number): void => {
    if (stopped) return // a refresh may still be in progress
    const timer = setTimeout(() => {
      timers.delete(timer)
      void refresh(user)
    }, milliseconds)
    timers.add(timer)
  }
  const life = tokenSeconds * 1000
  async function refresh(user: User): Promise<void> {
    const { status, body } = await client
      .refresh(user.refreshToken, {}, await proofOf(user.key))
      .catch((): Partial<TokenAnswer> => ({ status: 0 }))
    if (status === 200 && body !== undefined) {
      Object.assign(user, tokensOf(body))
      counts.refreshed++
      users.onRefreshed(user)
      later(user, (life * 2) / 3)
    } else {
      counts.refreshFailed++
      later(user, retryMilliseconds)
    }
  }
  const users: Users = {
    all,
    counts,
    onRefreshed: () => {},
    stop() {
      stopped = true
      timers.forEach((timer) => clearTimeout(timer))
    },
  }
  all.forEach((user, index) => later(user, life * (1 / 3 + index / all.length / 3)))
  return users
}

function tokensOf(answer: TokenAnswer['body']): Pick<User, 'token' | 'expiresAt' | 'refreshToken'> {
  return {
    token: answer.access_token,
    expiresAt: Date.now() + Number(answer['expires_in']) * 1000,
    refreshToken: answer.refresh_token,
  }
}
