import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { splitTarget } from '../http/exchange.ts'
import { readHead } from '../http/head.ts'
import { traceContextOf } from '../telemetry/trace-context.ts'
import { personPages } from './account/person-pages.ts'
import { type Answered, answerError, sendNotAllowed, sendNotFound, sendPage } from './answer.ts'
import { assets } from './assets.ts'
import { recordBeforeAnswer } from './audit.ts'
import type { AuthorizationServer } from './contract.ts'
import { addDeviceSteps } from './device/device-steps.ts'
import { canonicalPath, findEndpoint } from './endpoints.ts'
import { allowCors, answerPreflight, expectJson, normaliseRequest, speakAsSite } from './front.ts'
import { refuseUnauthorized } from './grant-types/refuse-unauthorized.ts'
import { registerGrantTypes } from './grant-types/register.ts'
import { libraryConfiguration } from './library/configuration.ts'
import { Provider } from './library/library.ts'
import { addLibrarySteps } from './library/library-steps.ts'
import { refuseSeenBefore } from './library/seen-once.ts'
import { keepSessionsEnded } from './login/ended-sessions.ts'
import { interactionPages } from './login/interactions.ts'
import { renewSessionsAtLogin } from './login/renew-sessions.ts'
import { type Notes, takeNotes } from './notes.ts'
import { oauthEvent } from './observe.ts'
import { homePage, tellServers } from './pages/home-page.ts'
import { endpointPaths, isInteractionPath, isPersonPath } from './paths.ts'
import { blockedClients } from './registration/blocked-clients.ts'
import { compareHashedSecrets } from './registration/client-secrets.ts'
import { libraryFetch } from './registration/documents.ts'
import { hideBlocked } from './registration/hide-blocked.ts'
import { refuseOnce } from './registration/refuse-once.ts'
import { requestIdHeader, requestIdOf } from './request-id.ts'
import { endpointLimit, refuseTooLong } from './requests/request-limits.ts'
import { slowDown } from './requests/slow-down.ts'
import type { AuthorizationServerSettings } from './settings.ts'
import { implyScopes } from './tokens/refresh-scopes.ts'
import { nameRefreshTokens } from './tokens/refresh-token-adapter.ts'

/** The library as built with one set of keys, and the pages that work with it. */
interface Engine {
  readonly library: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  readonly pages: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  readonly people: (req: IncomingMessage, res: ServerResponse) => Promise<void>
}

function buildEngine(
  settings: AuthorizationServerSettings,
  notes: Notes,
  fetch: ReturnType<typeof libraryFetch>,
): Engine {
  const provider = new Provider(settings.site.url, libraryConfiguration(settings, fetch))
  // Safe because the front layer overwrites the forwarded headers of every request.
  provider.proxy = true
  nameRefreshTokens(provider, settings.secret)
  implyScopes(provider, settings.scopes)
  renewSessionsAtLogin(provider)
  keepSessionsEnded(provider)
  compareHashedSecrets(provider, settings)
  registerGrantTypes(provider, settings)
  refuseUnauthorized(provider)
  refuseSeenBefore(provider)
  addLibrarySteps(provider, settings, notes)
  refuseOnce(provider, notes)
  hideBlocked(provider, blockedClients(settings))
  if (settings.grants.deviceCode) addDeviceSteps(provider, settings, notes)
  notes.listenTo(provider)
  return {
    library: provider.callback(),
    pages: getRequestListener(interactionPages(provider, settings, notes).fetch),
    people: getRequestListener(personPages(provider, settings, notes).fetch),
  }
}

/** Builds the authorization server: our front layer around oidc-provider. */
export async function createAuthorizationServer(
  settings: AuthorizationServerSettings,
): Promise<AuthorizationServer> {
  const { site, resources, guard, observe, recorder, onFault } = settings
  const notes = takeNotes(onFault)
  const takeToSite = speakAsSite(site)
  // The library takes its keys only once. Building it again over the same store costs a millisecond; running
  // requests end on the one that they began with.
  const fetch = libraryFetch(settings)
  let engine = buildEngine(settings, notes, fetch)
  const stop = settings.keys.subscribe(() => {
    engine = buildEngine(settings, notes, fetch)
  })
  const resourcePaths = new Set(resources.all.map(({ path }) => path))
  const hasLogin = settings.loginForm !== 'none' || settings.federation !== undefined
  const home = String(await homePage(site, { resources: resources.all, hasLogin }))
  const serversElsewhere = tellServers(resources.all)
  const shown = new Map<string, (res: ServerResponse) => void>([
    ['/', (res) => sendPage(res, home)],
    ...assets,
  ])

  const limit = endpointLimit(settings)
  const isOn = {
    deviceCode: settings.grants.deviceCode,
    registration: settings.registration.dynamic !== 'off',
  }

  const answer = async (answered: Answered): Promise<void> => {
    const { req, res } = answered
    recorder.check()
    guard.check(readHead(req.rawHeaders))
    takeToSite(req)
    const { path: target, query } = splitTarget(req.url ?? '/')
    const path = site.localPath(target)
    if (path === undefined) return sendNotFound(answered)
    req.url = query === '' ? path : `${path}?${query}`
    const show = shown.get(path)
    if (show !== undefined) {
      if (req.method === 'GET' || req.method === 'HEAD') return show(res)
      return sendNotAllowed(answered, ['GET', 'HEAD'], path === '/' ? serversElsewhere : undefined)
    }
    if (isInteractionPath(path)) return engine.pages(req, res)
    if (isPersonPath(path)) return engine.people(req, res)

    const canonical = canonicalPath(path, resourcePaths)
    const endpoint = findEndpoint(canonical)
    if (endpoint?.cors) expectJson(req)
    if (endpoint === undefined || (endpoint.needs !== undefined && !isOn[endpoint.needs]))
      return sendNotFound(answered)
    if (endpoint.cors) allowCors(req, res)
    if (endpoint.cors && req.method === 'OPTIONS') return answerPreflight(req, res, endpoint)
    if (!endpoint.methods.includes(req.method ?? '')) return sendNotAllowed(answered, endpoint.methods)
    const wait = await limit(endpoint, req)
    if (wait > 0) {
      res.setHeader('Retry-After', String(wait))
      throw slowDown(429, 'too many requests at the moment', wait)
    }
    req.url = query === '' ? canonical : `${canonical}?${query}`
    if (canonical === endpointPaths.authorization) refuseTooLong(query)
    await normaliseRequest(settings, endpoint, req, notes.of(req))
    return engine.library(req, res)
  }

  return {
    handle(req, res) {
      const describe = oauthEvent({ req, res, notes, site, resourcePaths })
      res.setHeader(requestIdHeader, requestIdOf(req))
      recordBeforeAnswer(res, {
        describe: () => ({ event: describe(), note: notes.of(req) }),
        recorder,
        resources,
        onFault,
      })
      res.once('close', () => {
        const event = describe()
        observe(event)
        settings.traces?.record({ header: traceContextOf(req.rawHeaders), message: undefined }, event)
      })
      const answered = { req, res, notes, site }
      answer(answered)
        .catch((error: unknown) => answerError(error, answered, onFault))
        .catch(onFault)
    },
    stop,
  }
}
