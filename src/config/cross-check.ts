import { isLoopbackHost } from '../core/resource.ts'
import type { Problem } from './problems.ts'
import type { ParsedConfig } from './schema.ts'

/**
 * The rules that span several settings. A setting that is itself wrong is absent from `config`; the rules about the
 * others are still checked, so that all problems are told at once.
 */
export function crossCheck(config: Partial<ParsedConfig>): Problem[] {
  return [
    ...checkPublicUrl(config),
    ...checkUpstreams(config.upstreams ?? []),
    ...checkClients(config.clients ?? []),
    ...checkLogin(config),
  ]
}

function checkPublicUrl({ mode, publicUrl, listen }: Partial<ParsedConfig>): Problem[] {
  if (publicUrl === undefined) {
    return mode === 'production' ? [problem('publicUrl', 'must be set in production mode')] : []
  }
  const url = new URL(publicUrl)
  const problems: Problem[] = []
  if (url.search !== '' || url.hash !== '' || url.username !== '') {
    problems.push(problem('publicUrl', 'must have no query, no fragment and no user information'))
  }
  if (url.pathname !== '/') {
    problems.push(problem('publicUrl', 'must be an origin without a path, such as https://mcp.example.com'))
  }
  if (mode === 'development' && !isLoopbackHost(url.hostname)) {
    problems.push(
      problem(
        'publicUrl',
        'must be a loopback URL in development mode, where anybody can log in; or set mode: production',
      ),
    )
  }
  if (mode === 'production' && url.protocol !== 'https:') {
    problems.push(problem('publicUrl', 'must be https in production mode'))
  }
  if (
    mode === 'development' &&
    listen !== undefined &&
    !isLoopbackHost(listen.host) &&
    listen.host !== '::1'
  ) {
    problems.push(
      problem('listen.host', 'must be a loopback address in development mode, where anybody can log in'),
    )
  }
  return problems
}

function checkUpstreams(upstreams: ParsedConfig['upstreams']): Problem[] {
  return upstreams.flatMap((upstream, index) => {
    const earlier = upstreams.slice(0, index)
    const at = `upstreams[${index}]`
    const problems: Problem[] = []
    if ((upstream.url === undefined) === (upstream.command === undefined)) {
      problems.push(problem(at, 'needs either url or command'))
    }
    if (earlier.some(({ name }) => name === upstream.name)) {
      problems.push(problem(`${at}.name`, `"${upstream.name}" is taken by an earlier server`))
    }
    if (earlier.some(({ path }) => path === upstream.path)) {
      problems.push(
        problem(
          `${at}.path`,
          `"${upstream.path}" is taken by an earlier server; give each server a path of its own`,
        ),
      )
    }
    return problems
  })
}

function checkClients(clients: ParsedConfig['clients']): Problem[] {
  return clients.flatMap((client, index) => {
    const at = `clients[${index}]`
    const problems: Problem[] = []
    if (clients.slice(0, index).some(({ id }) => id === client.id)) {
      problems.push(problem(`${at}.id`, `"${client.id}" is taken by an earlier client`))
    }
    if (client.grantTypes.includes('client_credentials') && client.secret === undefined) {
      problems.push(problem(`${at}.secret`, 'is needed for client_credentials'))
    }
    if (client.grantTypes.includes('authorization_code') && client.redirectUris.length === 0) {
      problems.push(problem(`${at}.redirectUris`, 'is needed for authorization_code'))
    }
    return problems
  })
}

function checkLogin({ mode, login }: Partial<ParsedConfig>): Problem[] {
  return mode === 'production' && login?.users === 'development'
    ? [problem('login.users', 'must not be development in production mode, where it would let anybody in')]
    : []
}

function problem(path: string, message: string): Problem {
  return { path, message }
}
