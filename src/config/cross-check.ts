import { publicKeysProblem } from '../core/public-keys.ts'
import { isPrivateUseRedirect, redirectProblem } from '../core/redirect-uri.ts'
import { reservedSegments } from '../core/reserved-segments.ts'
import { isLoopbackHost } from '../core/resource.ts'
import { isUserId, userIdPrefix } from '../core/user-id.ts'
import { checkCredential } from './check-credential.ts'
import { checkGrants } from './check-grants.ts'
import { checkIssuers } from './check-issuers.ts'
import { checkProviders } from './check-providers.ts'
import { checkScopes } from './check-scopes.ts'
import { checkTenants } from './check-tenants.ts'
import { authenticatedGrantTypes } from './grants.ts'
import type { ParsedConfig } from './schema.ts'

/** One broken rule. */
export interface RuleProblem {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** What must be right for the rule to count: where something in it is wrong, the rule may only seem to be broken. */
  readonly needs?: readonly PropertyKey[]
}

/**
 * The rules that span several settings. A setting that is itself wrong is absent from `config`, an item of a list too; the
 * rules about the others are still checked, so that all problems are told at once.
 */
export function crossCheck(config: Partial<ParsedConfig>): RuleProblem[] {
  return [
    ...checkPublicUrl(config),
    ...checkTls(config),
    ...checkListeners(config),
    ...checkOwn(config),
    ...checkStore(config),
    ...checkAudit(config),
    ...checkTenants(config, checkOwn),
  ]
}

/** The rules about what each tenant has for itself as well. */
function checkOwn(config: Partial<ParsedConfig>): RuleProblem[] {
  return [
    ...checkUpstreams(config.upstreams ?? []),
    ...checkScopes(config),
    ...checkClients(config.clients ?? [], config.registration?.privateUseRedirects),
    ...checkRegistration(config),
    ...checkGrants(config),
    ...checkLogin(config),
    ...checkProviders(config),
    ...checkIssuers(config),
  ]
}

function checkPublicUrl({ mode, publicUrl }: Partial<ParsedConfig>): RuleProblem[] {
  if (publicUrl === undefined) {
    return mode === 'production' ? [problem(['publicUrl'], 'must be set in production mode')] : []
  }
  const url = new URL(publicUrl)
  const problems: RuleProblem[] = []
  const wrong = (message: string): unknown => problems.push(problem(['publicUrl'], message))
  if (url.search !== '' || url.hash !== '' || url.username !== '') {
    wrong('must have no query, no fragment and no user information')
  }
  if (!/^(?:\/[A-Za-z0-9._~-]+)*\/?$/.test(url.pathname)) {
    wrong('must have a path of letters, digits and . _ ~ - alone, such as /gate or /team/gate, or none')
  } else if (url.pathname.split('/').includes('.well-known')) {
    wrong('must have no .well-known in its path: documents about it stand there, at the root of the host')
  }
  if (mode === 'development' && !isLoopbackHost(url.hostname)) {
    wrong('must be a loopback URL in development mode, where anybody can log in; or set mode: production')
  }
  if (mode === 'production' && url.protocol !== 'https:') {
    wrong('must be https in production mode; to try things out on loopback, set mode: development')
  }
  return problems
}

/** Production mode demands https anyway, and says so by itself. */
function checkTls({ mode, publicUrl, listen }: Partial<ParsedConfig>): RuleProblem[] {
  if (listen?.tls === undefined || mode === 'production') return []
  if (publicUrl !== undefined && new URL(publicUrl).protocol === 'https:') return []
  const cause = publicUrl === undefined ? 'must be set' : 'must be https'
  const message = `${cause} where listen.tls makes the gateway speak TLS: give the https URL of a host that the certificate covers, or take listen.tls away`
  return [problem(['publicUrl'], message)]
}

/** Development mode lets anybody in, so nothing of it may be reached from elsewhere. */
function checkListeners({ mode, listen }: Partial<ParsedConfig>): RuleProblem[] {
  if (mode !== 'development' || listen === undefined) return []
  return (['host', 'internalHost', 'adminHost'] as const)
    .filter((name) => {
      const address = listen[name]
      return address !== undefined && !isLoopbackHost(address) && address !== '::1'
    })
    .map((name) =>
      problem(['listen', name], 'must be a loopback address in development mode, where anybody can log in'),
    )
}

function checkUpstreams(upstreams: ParsedConfig['upstreams']): RuleProblem[] {
  return upstreams.flatMap((upstream, index) => {
    const earlier = upstreams.slice(0, index)
    const at = ['upstreams', index]
    const problems: RuleProblem[] = []
    if ((upstream.url === undefined) === (upstream.command === undefined)) {
      const message =
        upstream.url === undefined ? 'needs either url or command' : 'has both url and command: take one away'
      problems.push(problem(at, message))
    }
    problems.push(...checkKind(upstream, at))
    if (earlier.some(({ name }) => name === upstream.name)) {
      problems.push(problem([...at, 'name'], `"${upstream.name}" is taken by an earlier server`))
    }
    const [, first = ''] = upstream.path.split('/')
    if (reservedSegments.has(first)) {
      const message = `must not begin with /${first}, where Portcullis itself answers`
      problems.push(problem([...at, 'path'], message))
    }
    if (earlier.some(({ path }) => path === upstream.path)) {
      const message = `"${upstream.path}" is taken by an earlier server; give each server a path of its own`
      problems.push(problem([...at, 'path'], message))
    }
    return problems
  })
}

/** Settings of the processes of a stdio server. */
const ofProcesses = ['environment', 'processes', 'processesPerCaller', 'memoryMegabytes'] as const

/** What can be known of a server before it is asked. */
function checkKind(
  { url, command, transport, era, principals, credential, ...others }: ParsedConfig['upstreams'][number],
  at: readonly PropertyKey[],
): RuleProblem[] {
  const problems: RuleProblem[] = []
  if (url !== undefined && command === undefined) {
    for (const setting of ofProcesses.filter((one) => !isAbsent(others[one])))
      problems.push(problem([...at, setting], 'is for servers with a command'))
  }
  if (command !== undefined && transport !== 'auto') {
    problems.push(problem([...at, 'transport'], 'is for servers with a url'))
  }
  if (typeof credential === 'object') {
    const message = 'is for servers with a url; a stdio server gets its secrets with environment'
    const wrong = command === undefined ? checkCredential(credential) : [['', message] as const]
    for (const [setting, why] of wrong)
      problems.push(problem([...at, 'credential', ...(setting === '' ? [] : [setting])], why))
  }
  if (transport === 'sse' && (era === 'modern' || era === 'both')) {
    problems.push(problem([...at, 'era'], 'must be legacy or auto with transport: sse'))
  }
  if (principals === 'shared' && command === undefined) {
    problems.push(problem([...at, 'principals'], 'is for servers with a command'))
  }
  if (principals === 'shared' && era === 'legacy') {
    const message = 'must be isolated for a legacy server, which keeps the state of one user between requests'
    problems.push(problem([...at, 'principals'], message))
  }
  return problems
}

/** A list that was left out is empty. */
function isAbsent(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0)
}

function checkClients(clients: ParsedConfig['clients'], privateUse: readonly string[] = []): RuleProblem[] {
  return clients.flatMap((client, index) => {
    const at = ['clients', index]
    const problems: RuleProblem[] = []
    if (isUserId(client.id)) {
      problems.push(problem([...at, 'id'], `must not begin with ${userIdPrefix}, which marks people`))
    }
    if (clients.slice(0, index).some(({ id }) => id === client.id)) {
      problems.push(problem([...at, 'id'], `"${client.id}" is taken by an earlier client`))
    }
    if (client.secret !== undefined && client.jwks !== undefined) {
      problems.push(problem([...at, 'jwks'], 'is an alternative to secret: give one of them'))
    }
    const authenticated = client.grantTypes.find((type) => authenticatedGrantTypes.has(type))
    if (authenticated !== undefined && client.secret === undefined && client.jwks === undefined) {
      problems.push(problem([...at, 'secret'], `is needed for ${authenticated}, or jwks`))
    }
    if (client.grantTypes.includes('client_credentials') && (client.scopes ?? []).length === 0) {
      const message =
        'is needed for client_credentials: nobody is asked what it may do, so name it, such as [mcp:tools:read]'
      problems.push(problem([...at, 'scopes'], message))
    }
    const wrongKeys = client.jwks === undefined ? undefined : publicKeysProblem(client.jwks)
    if (wrongKeys !== undefined) problems.push(problem([...at, 'jwks'], wrongKeys))
    if (client.grantTypes.includes('authorization_code') && client.redirectUris.length === 0) {
      problems.push(problem([...at, 'redirectUris'], 'is needed for authorization_code'))
    }
    for (const [position, uri] of client.redirectUris.entries()) {
      const wrong = redirectProblem(uri, privateUse)
      if (wrong !== undefined) problems.push(problem([...at, 'redirectUris', position], wrong))
    }
    return problems
  })
}

function checkRegistration({ registration }: Partial<ParsedConfig>): RuleProblem[] {
  if (registration === undefined) return []
  const { dynamic, initialAccessToken, privateUseRedirects } = registration
  const problems = privateUseRedirects.flatMap((uri, index) => {
    const message = 'must be a URI with a scheme of its own that runs nothing, such as app://host/callback'
    const at = ['registration', 'privateUseRedirects', index]
    return isPrivateUseRedirect(uri) ? [] : [problem(at, message)]
  })
  return dynamic === 'token' && initialAccessToken === undefined
    ? [...problems, problem(['registration', 'initialAccessToken'], 'must be set when dynamic is token')]
    : problems
}

function checkLogin({ mode, login }: Partial<ParsedConfig>): RuleProblem[] {
  const message = 'must not be development in production mode, where it would let anybody in'
  return mode === 'production' && login?.users === 'development' ? [problem(['login', 'users'], message)] : []
}

/** Replicas share a database and no folder: a secret that the first one made would lock the second one out. */
function checkStore({ store, secret }: Partial<ParsedConfig>): RuleProblem[] {
  if (store?.url === undefined || secret !== undefined) return []
  const message =
    'must be set where store.url is, the same for every replica: PORTCULLIS_SECRET="$(openssl rand -base64 48 | tr +/ -_)", kept for good'
  return [problem(['secret'], message)]
}

function checkAudit({ audit, store }: Partial<ParsedConfig>): RuleProblem[] {
  const sinks = audit?.sinks ?? []
  return sinks.flatMap((sink, index) => {
    const problems: RuleProblem[] = []
    if (sinks.slice(0, index).some(({ name }) => name === sink.name)) {
      problems.push(problem(['audit', 'sinks', index, 'name'], `"${sink.name}" is taken by an earlier sink`))
    }
    if (sink.kind === 'postgres') {
      const url = sink.url ?? store?.url
      const message =
        'must be a URL such as postgres://user:password@host:5432/database, unless store.url is one'
      const path = ['audit', 'sinks', index, 'url']
      if (url === undefined) problems.push({ path, message, needs: ['store'] })
      else if (!/^postgres(?:ql)?:\/\/.+\/.+/.test(url)) problems.push(problem(path, message))
    }
    return problems
  })
}

function problem(path: readonly PropertyKey[], message: string): RuleProblem {
  return { path, message }
}
