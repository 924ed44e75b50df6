import { authorizationRequest } from './authorization-request.ts'
import { type CheckName, checkOf, checks, reasons } from './checks.ts'
import type { Need, OAuthClient, ResourceFacts, ServerFacts, Tokens, Visit } from './contract.ts'
import { type AnswerListener, listenForAnswer } from './listen-for-answer.ts'
import { callbackOf } from './profiles.ts'
import { askForMore } from './steps/ask-for-more.ts'
import { authenticateMachine } from './steps/authenticate-machine.ts'
import { awaitApproval } from './steps/await-approval.ts'
import { callServer } from './steps/call-server.ts'
import { checkAddress } from './steps/check-address.ts'
import { checkCors } from './steps/check-cors.ts'
import { findResourceMetadata } from './steps/find-resource-metadata.ts'
import { findServerMetadata } from './steps/find-server-metadata.ts'
import { judgeAudience } from './steps/judge-tokens.ts'
import { meetUnknownClient } from './steps/meet-unknown-client.ts'
import { openLogin } from './steps/open-login.ts'
import { readChallenge } from './steps/read-challenge.ts'
import { redeemCode, redeemTwice } from './steps/redeem-code.ts'
import { refreshTokens } from './steps/refresh-tokens.ts'
import { refuseForeignToken, refuseGivenToken } from './steps/refuse-foreign-token.ts'
import { refuseForgedToken } from './steps/refuse-forged-token.ts'
import { refuseWrongRedirect } from './steps/refuse-wrong-redirect.ts'
import { registerClient } from './steps/register-client.ts'
import { registerReceiver } from './steps/register-receiver.ts'
import { tryOriginEndpoints } from './steps/try-origin-endpoints.ts'

interface ExamineOptions {
  /** How the client may register; as it does itself by default. */
  readonly ways?: readonly ('document' | 'dynamic')[]
  /** The port on which to listen for the answer of the login; any free one by default. */
  readonly callbackPort?: number
}

/** Acts as a client from the first request to the last. Throws Unreachable and PortTaken. */
export async function examine(visit: Visit, options: ExamineOptions = {}): Promise<void> {
  const listens = visit.credentials.kind === 'login'
  const listener = listens ? await listenForAnswer(options.callbackPort ?? 0) : undefined
  try {
    await walk(visit, options, listener)
  } finally {
    listener?.close()
  }
  tellSkipped(visit)
}

async function walk(
  visit: Visit,
  options: ExamineOptions,
  listener: AnswerListener | undefined,
): Promise<void> {
  checkAddress(visit)
  const contact = await readChallenge(visit)
  if (contact === undefined) return
  const resource = await findResourceMetadata(visit, contact.challenge)
  const server = resource && (await findServerMetadata(visit, resource))
  if (resource !== undefined && server !== undefined) {
    await tryOriginEndpoints(visit)
    await signIn(visit, { resource, server }, { ...options, listener })
  } else if (visit.credentials.kind === 'token') await callWith(visit, visit.credentials.token)
  await refuseForgedToken(visit)
  if (visit.foreignToken !== undefined) await refuseGivenToken(visit, visit.foreignToken)
  await checkCors(visit, server)
}

interface Facts {
  readonly resource: ResourceFacts
  readonly server: ServerFacts
}

async function signIn(
  visit: Visit,
  facts: Facts,
  { listener, ways = visit.profile.registration }: ExamineOptions & { listener: AnswerListener | undefined },
): Promise<void> {
  const { profile, credentials } = visit
  const port = listener === undefined ? {} : { port: listener.port }
  const redirectUri = callbackOf(profile, listener?.port) ?? profile.redirectUris[0]
  const client = await registerClient(visit, { ...facts, redirectUri, ...port, ways })
  await meetUnknownClient(visit, facts.server)
  if (client !== undefined) {
    const request = authorizationRequest(profile, { ...facts, client })
    await openLogin(visit, request, client)
    await refuseWrongRedirect(visit, request)
    if (listener !== undefined && credentials.kind === 'login')
      await asUser(visit, { ...facts, client }, listener)
  }
  if (credentials.kind === 'machine') await asMachine(visit, facts, credentials)
  if (credentials.kind === 'token') {
    judgeAudience(visit.report, credentials.token, facts.resource)
    await callWith(visit, credentials.token)
  }
}

async function asUser(
  visit: Visit,
  facts: Facts & { client: OAuthClient },
  listener: AnswerListener,
): Promise<void> {
  const { server, resource } = facts
  const isHere = visit.profile.loopback !== undefined
  const client = isHere ? facts.client : await registerReceiver(visit, facts, listener.port)
  if (typeof client === 'string') return visit.report.skip('login-answer', client)
  const waitMs = visit.credentials.kind === 'login' ? visit.credentials.waitMs : 0
  const request = authorizationRequest(visit.profile, { client, server, resource })
  const code = await awaitApproval(visit, { request, client, server, listener, waitMs })
  if (code === undefined) return
  const redemption = { server, resource, client, code, verifier: request.verifier }
  const first = await redeemCode(visit, redemption)
  if (first === undefined) return
  const conversation = await callServer(visit, first.accessToken)
  const tokens: Tokens = await refreshTokens(visit, { server, resource, client }, first)
  if (tokens.refreshToken !== undefined) await tryForeignToken(visit, { server, client, tokens })
  if (conversation !== undefined) await askForMore(visit, { ...conversation, token: tokens.accessToken })
  await redeemTwice(visit, redemption)
}

async function asMachine(
  visit: Visit,
  facts: Facts,
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
): Promise<void> {
  const client = { id: clientId, secret: clientSecret }
  const tokens = await authenticateMachine(visit, facts, client)
  if (tokens === undefined) return
  await callWith(visit, tokens.accessToken)
  await tryForeignToken(visit, { server: facts.server, client, tokens })
}

/** A given token proves more than one that may not be available. */
async function tryForeignToken(visit: Visit, ports: Parameters<typeof refuseForeignToken>[1]): Promise<void> {
  if (visit.foreignToken === undefined) await refuseForeignToken(visit, ports)
}

async function callWith(visit: Visit, token: string): Promise<void> {
  const conversation = await callServer(visit, token)
  if (conversation !== undefined) await askForMore(visit, conversation)
}

/** What a visit with these credentials should have come to have. */
const promised: Readonly<Record<Visit['credentials']['kind'], readonly (Need | undefined)[]>> = {
  login: ['login', 'token'],
  machine: ['token'],
  token: ['token'],
  none: [],
}

/** What a token that was given cannot show. */
const beyondGivenToken: Partial<Readonly<Record<CheckName, string>>> = {
  'token-cache': 'the access token was given, so none was issued here: add --login',
  'token-foreign': 'there is no token for another server: add --foreign-token',
}

/** Reports, with the reason, everything that this client would have done but did not get to. */
function tellSkipped({ endpoint, report, profile, credentials: { kind } }: Visit): void {
  for (const name of Object.keys(checks) as CheckName[]) {
    const { needs, stage } = checkOf(name)
    const isNotItsWay =
      (stage === 'CORS' && profile.page === undefined) ||
      (name === 'certificate' && endpoint.protocol === 'http:') ||
      (name === 'origin-endpoints' && !profile.usesOriginEndpoints) ||
      (name === 'token-machine' && kind !== 'machine')
    if (report.has(name) || isNotItsWay) continue
    const lacks = needs === undefined || promised[kind].includes(needs) ? undefined : reasons[needs]
    const beyond = kind === 'token' ? beyondGivenToken[name] : undefined
    report.skip(name, beyond ?? lacks ?? 'an earlier step failed')
  }
}
