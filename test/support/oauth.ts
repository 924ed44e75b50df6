import { createHash, randomBytes } from 'node:crypto'
import { FormBrowser } from './form-browser.ts'

/** An answer of the token endpoint. */
export interface TokenAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, string> & {
    access_token: string
    refresh_token: string
    scope: string
    error: string
  }
}

/** One authorization request, before it is made. */
export interface AuthorizationRequest {
  readonly clientId?: string
  readonly redirectUri?: string
  readonly scope?: string
  readonly resource?: string
  readonly state?: string
  readonly verifier?: string
  readonly extra?: Readonly<Record<string, string>>
}

/** An authorization code with what is needed to redeem it. */
export interface IssuedCode {
  readonly code: string
  readonly verifier: string
  readonly callback: URL
}

/** The S256 challenge of a verifier (RFC 7636 section 4.2). */
export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url')
}

/** A client of an authorization server, spelled out so that each parameter can be made wrong. */
export class OAuthClient {
  readonly #issuer: string
  readonly #send: typeof fetch
  readonly clientId: string
  readonly redirectUri: string

  constructor(
    issuer: string,
    clientId = 'user-client',
    redirectUri = 'http://127.0.0.1:1/callback',
    send: typeof fetch = fetch,
  ) {
    this.#issuer = issuer
    this.#send = send
    this.clientId = clientId
    this.redirectUri = redirectUri
  }

  /** Registers at the registration endpoint and returns the client. */
  static async register(issuer: string, metadata: object): Promise<OAuthClient> {
    const response = await fetch(`${issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(metadata),
    })
    const body = (await response.json()) as { client_id: string; redirect_uris: string[] }
    if (response.status !== 201)
      throw new Error(`registration answered ${response.status} ${JSON.stringify(body)}`)
    return new OAuthClient(issuer, body.client_id, body.redirect_uris[0])
  }

  /** The URL of an authorization request. */
  authorizationUrl(request: AuthorizationRequest & { verifier: string }): string {
    const parameters: Record<string, string> = {
      response_type: 'code',
      client_id: request.clientId ?? this.clientId,
      redirect_uri: request.redirectUri ?? this.redirectUri,
      code_challenge: challengeOf(request.verifier),
      code_challenge_method: 'S256',
      state: request.state ?? 'a state',
      ...request.extra,
    }
    if (request.scope !== undefined) parameters['scope'] = request.scope
    if (request.resource !== undefined) parameters['resource'] = request.resource
    return `${this.#issuer}/authorize?${new URLSearchParams(parameters).toString()}`
  }

  /** Logs in, approves and returns the code. Throws if the callback has none. */
  async authorize(request: AuthorizationRequest = {}, browser = new FormBrowser()): Promise<IssuedCode> {
    const verifier = request.verifier ?? randomBytes(32).toString('base64url')
    const callback = await browser.visit(this.authorizationUrl({ ...request, verifier }))
    const code = callback?.searchParams.get('code')
    if (callback === undefined || code == null) {
      throw new Error(`no code: ${callback?.href ?? browser.lastPage.html}`)
    }
    return { code, verifier, callback }
  }

  /** Redeems a code. */
  redeem(
    { code, verifier }: IssuedCode,
    overrides: Readonly<Record<string, string>> = {},
    headers: Record<string, string> = {},
  ): Promise<TokenAnswer> {
    const parameters = {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
      redirect_uri: this.redirectUri,
      client_id: this.clientId,
      ...overrides,
    }
    return this.token(parameters, { headers })
  }

  /** Uses a refresh token. */
  refresh(
    refreshToken: string,
    overrides: Readonly<Record<string, string>> = {},
    headers: Record<string, string> = {},
  ): Promise<TokenAnswer> {
    const parameters = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: this.clientId,
      ...overrides,
    }
    return this.token(parameters, { headers })
  }

  /** Posts a form to the token endpoint, or to another one. */
  async token(
    parameters: Readonly<Record<string, string>>,
    { path = '/token', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
  ): Promise<TokenAnswer> {
    const response = await this.#send(this.#issuer + path, {
      method: 'POST',
      headers,
      body: new URLSearchParams(parameters),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as TokenAnswer['body'],
    }
  }

  /** The complete flow: log in, approve, redeem. Returns the tokens. */
  async signIn(request: AuthorizationRequest = {}, browser?: FormBrowser): Promise<TokenAnswer['body']> {
    const { status, body } = await this.redeem(await this.authorize(request, browser))
    if (status !== 200) throw new Error(`the token endpoint answered ${status} ${JSON.stringify(body)}`)
    return body
  }
}
