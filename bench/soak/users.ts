import { FormBrowser } from '../../test/support/form-browser.ts'
import { OAuthClient, type TokenAnswer } from '../../test/support/oauth.ts'
import { clientId } from './processes.ts'

/** Somebody who is logged in. */
export interface User {
  readonly name: string
  /** The access token at present, and when it ends, in milliseconds. */
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
  /** Told when a user has a new token. */
  onRefreshed: (user: User) => void
  stop(): void
}

const loginsAtOnce = 4
const retryMilliseconds = 2000

/** Logs users in, each over the pages, and refreshes their tokens before they end, spread over time. */
export async function logIn(url: string, count: number, tokenSeconds: number): Promise<Users> {
  const client = new OAuthClient(url, clientId)
  const all: User[] = []
  const counts = { refreshed: 0, refreshFailed: 0 }
  const timers = new Set<NodeJS.Timeout>()
  let left = count
  const logInOneByOne = async (): Promise<void> => {
    while (left > 0) {
      const name = `user${left--}`
      const browser = new FormBrowser({ fill: { name } })
      const answer = await client.signIn({ scope: 'mcp:*', resource: `${url}/mcp` }, browser)
      all.push({ name, session: '', ...tokensOf(answer) })
    }
  }
  await Promise.all(Array.from({ length: loginsAtOnce }, logInOneByOne))

  const later = (user: User, milliseconds: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      void refresh(user)
    }, milliseconds)
    timers.add(timer)
  }
  const life = tokenSeconds * 1000
  async function refresh(user: User): Promise<void> {
    const { status, body } = await client
      .refresh(user.refreshToken)
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
    stop: () => timers.forEach((timer) => clearTimeout(timer)),
  }
  all.forEach((user, index) => later(user, life * (1 / 3 + index / count / 3)))
  return users
}

function tokensOf(answer: TokenAnswer['body']): Pick<User, 'token' | 'expiresAt' | 'refreshToken'> {
  return {
    token: answer.access_token,
    expiresAt: Date.now() + Number(answer['expires_in']) * 1000,
    refreshToken: answer.refresh_token,
  }
}
