import { isLoopbackHost } from '../core/resource.ts'
import { checkClients, checkRegistration } from './check-clients.ts'
import { checkGrants } from './check-grants.ts'
import { checkIssuers } from './check-issuers.ts'
import { checkProviders } from './check-providers.ts'
import { checkScopes } from './check-scopes.ts'
import { checkTenants } from './check-tenants.ts'
import { checkUpstreams } from './check-upstreams.ts'
import { problem, type RuleProblem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'

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
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
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
