import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretPost,
  Configuration,
  calculatePKCECodeChallenge,
  customFetch,
} from 'openid-client'
import type { Claims } from '../core/claims.ts'
import type { OperatorFetch } from '../http/operator-fetch.ts'
import { type LoginProvider, ProviderAway, ProviderRefused } from '../identity/provider-contract.ts'
import { orExplain } from './explain-failure.ts'
import type { ProviderSettings } from './provider-settings.ts'

/** The API of a GitHub: on a separate host for github.com, under a path for an Enterprise Server. */
export function githubApi(issuer: string): string {
  return issuer === 'https://github.com' ? 'https://api.github.com' : `${issuer}/api/v3`
}

/** The most that GitHub returns at once. */
const perPage = 100
/** Of users with more organisations or teams than fit on these pages, only the first ones are known. */
const mostPages = 10

/**
 * A rate limit is also a 403. The one for requests that come too fast may say so in its text alone.
 */
async function isLimit(answer: Response): Promise<boolean> {
  const { headers } = answer
  if (headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after')) return true
  return /rate limit/i.test(await answer.text())
}

/**
 * Login with GitHub: OAuth without OpenID Connect, so the API says who the user is. Its access tokens do not
 * expire, and one that is no longer accepted means that the user revoked it or is gone.
 */
export function githubProvider(settings: ProviderSettings, fetch: OperatorFetch): LoginProvider {
  const { issuer, clientId, clientSecret, scopes, callbackUrl, parameters } = settings
  const server = {
    issuer,
    authorization_endpoint: `${issuer}/login/oauth/authorize`,
    token_endpoint: `${issuer}/login/oauth/access_token`,
  }
  const configuration = new Configuration(server, clientId, undefined, (...request) =>
    ClientSecretPost(clientSecret?.current)(...request),
  )
  configuration[customFetch] = fetch
  if (issuer.startsWith('http:')) allowInsecureRequests(configuration)

  const ask = async (path: string, token: string): Promise<unknown> => {
    const answer = await fetch(githubApi(issuer) + path, {
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'x-github-api-version': '2022-11-28',
      },
    })
    if (answer.status === 401) throw new ProviderRefused('the access token is no longer accepted')
    // Without the scope for it, organisations are not returned, as if there were none.
    const isMissing = path !== '/user' && (answer.status === 403 || answer.status === 404)
    if (isMissing && !(await isLimit(answer))) return []
    if (answer.status !== 200) throw new ProviderAway(`the API answers ${answer.status} at ${path}`)
    return answer.json()
  }

  const askForAll = async <Entry>(path: string, token: string): Promise<Entry[]> => {
    const entries: Entry[] = []
    for (let page = 1; page <= mostPages; page++) {
      const more = (await ask(`${path}?per_page=${perPage}&page=${page}`, token)) as Entry[]
      entries.push(...more)
      if (more.length < perPage) break
    }
    return entries
  }

  const describeUser = async (token: string) => {
    const user = (await ask('/user', token)) as Claims
    const { id } = user
    if (typeof id !== 'number') throw new ProviderRefused('the API does not say who it is')
    const emails = (await ask('/user/emails', token)) as {
      email: string
      primary: boolean
      verified: boolean
    }[]
    const primary = emails.find((one) => one.primary && one.verified)
    const organisations = await askForAll<{ login: string }>('/user/orgs', token)
    const teams = await askForAll<{ slug: string; organization: { login: string } }>('/user/teams', token)
    const groups = [
      ...organisations.map(({ login }) => login),
      ...teams.map(({ slug, organization }) => `${organization.login}/${slug}`),
    ]
    return {
      issuer,
      subject: String(id),
      claims: { ...user, email: primary?.email, email_verified: primary !== undefined, groups },
    }
  }

  return {
    name: settings.name,
    label: settings.label,
    host: new URL(issuer).host,
    scopes,
    authorizationUrl: async ({ state, verifier }) =>
      buildAuthorizationUrl(configuration, {
        ...parameters,
        redirect_uri: callbackUrl,
        scope: scopes.join(' '),
        state,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }),
    redeem: (query, { state, verifier }) =>
      orExplain(async () => {
        const callback = new URL(`${callbackUrl}?${query}`)
        const checks = { expectedState: state, pkceCodeVerifier: verifier }
        await clientSecret?.lookUp?.()
        const { access_token: credential } = await authorizationCodeGrant(configuration, callback, checks)
        return { ...(await describeUser(credential)), credential }
      }),
    renew: (credential, known) =>
      orExplain(async () => {
        if (known.issuer !== issuer) throw new ProviderRefused('the user is of another issuer')
        return { credential, identity: await describeUser(credential) }
      }),
    logoutUrl: async () => undefined,
  }
}
