import { FormBrowser } from './form-browser.ts'

/**
 * What a client stores between requests, in memory, with a browser that approves everything. Works with both
 * SDKs.
 */
export interface MemoryProvider {
  readonly redirectUrl: string
  readonly clientMetadata: Record<string, unknown>
  /** Where the browser was finally sent: the callback with the code. */
  readonly callback: () => URL
  /** How often the user was asked. */
  readonly logins: () => number
  tokens(): Record<string, unknown> | undefined
  [member: string]: unknown
}

/** Creates a provider with the shape of `OAuthClientProvider` in SDK v1 and v2. */
export function memoryProvider(
  options: { readonly name?: string; readonly browser?: () => FormBrowser } = {},
): MemoryProvider {
  const { name = 'SDK client', browser = () => new FormBrowser() } = options
  const redirectUrl = 'http://localhost:8090/callback'
  let client: unknown
  let tokens: Record<string, unknown> | undefined
  let verifier = ''
  let discovery: unknown
  let callback: URL | undefined
  let expectedState: string | undefined
  let logins = 0
  return {
    redirectUrl,
    clientMetadata: {
      client_name: name,
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    state() {
      expectedState = crypto.randomUUID()
      return expectedState
    },
    clientInformation: () => client,
    saveClientInformation(information: unknown) {
      client = information
    },
    tokens: () => tokens,
    saveTokens(saved: Record<string, unknown>) {
      tokens = saved
    },
    saveCodeVerifier(saved: string) {
      verifier = saved
    },
    codeVerifier: () => verifier,
    discoveryState: () => discovery,
    saveDiscoveryState(state: unknown) {
      discovery = state
    },
    invalidateCredentials(scope: string) {
      if (scope === 'all' || scope === 'tokens') tokens = undefined
      if (scope === 'all' || scope === 'client') client = undefined
      if (scope === 'all' || scope === 'discovery') discovery = undefined
    },
    async redirectToAuthorization(url: URL) {
      logins++
      callback = await browser().visit(url.href)
      if (callback?.searchParams.get('state') !== expectedState)
        throw new Error('the state came back changed')
    },
    callback() {
      if (callback === undefined) throw new Error('the browser was not sent back')
      return callback
    },
    logins: () => logins,
  }
}
