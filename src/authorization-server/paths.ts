/*
 * Where the authorization server answers. All paths are local: they begin where the public URL ends. What their first
 * segments are, `core/reserved-segments.ts` keeps free of MCP servers.
 */

/** The endpoints of the protocol, by the names that oidc-provider has for them. */
export const endpointPaths = {
  authorization: '/authorize',
  token: '/token',
  registration: '/register',
  revocation: '/revoke',
  introspection: '/introspect',
  jwks: '/jwks',
  pushed_authorization_request: '/par',
  device_authorization: '/device_authorization',
  /** Where a person enters the code that a device shows. */
  code_verification: '/device',
} as const

/** Where the pages of one authorization request begin. */
export function interactionPath(uid: string): string {
  return `/interaction/${uid}`
}

/** Where the decision about one authorization request goes. */
export function consentPath(uid: string): string {
  return `${interactionPath(uid)}/consent`
}

/** Where the steps of a login are. */
interface LoginPaths {
  /** The page, and where its form goes. */
  readonly login: string
  readonly passkey: string
  /** Where the choice of an identity provider goes. */
  readonly provider: string
  /** Where the provider of this name sends browsers back to. */
  readonly callback: (provider: string) => string
}

/** Where a login is made behind a path: that of an interaction, or the empty one for a person's own pages. */
export function loginPaths(behind: string): LoginPaths {
  const login = `${behind}/login`
  return {
    login,
    passkey: `${login}/passkey`,
    provider: `${login}/provider`,
    callback: (provider) => `${login}/callback/${provider}`,
  }
}

/** Where a person signs in, without any client. */
export const personLogin: LoginPaths = loginPaths('')
/** Where a person signs out. */
export const logoutPath = '/logout'
/** Where a person sees which clients they let in. */
export const accountPath = '/account'
/** Where the form goes that ends the access of a client. */
export const revokePath = `${accountPath}/revoke`
/** Where a person changes their password. */
export const passwordPath = `${accountPath}/password`
/** Where a person keeps passkeys. */
export const passkeysPath = `${accountPath}/passkeys`
/** Where the form goes that adds one. */
export const addPasskeyPath = `${passkeysPath}/add`
/** Where the form goes that removes one. */
export const removePasskeyPath = `${passkeysPath}/remove`

/** Where an invitation is accepted. The token is a bearer secret. */
export function setUpPath(token: string): string {
  return `/setup/${token}`
}

const id = '[\\w-]+'
const steps = (login: LoginPaths): readonly string[] => [
  login.login,
  login.passkey,
  login.provider,
  login.callback('[a-z0-9-]+'),
]
const interactionLogin = steps(loginPaths(interactionPath(id)))
const anyOf = (patterns: readonly string[]): RegExp => new RegExp(`^(?:${patterns.join('|')})$`)

const ofInteraction = anyOf([interactionPath(id), consentPath(id), ...interactionLogin])
const ofPerson = anyOf([
  ...steps(personLogin),
  logoutPath,
  setUpPath(id),
  accountPath,
  revokePath,
  passwordPath,
  passkeysPath,
  addPasskeyPath,
  removePasskeyPath,
])
const ofLogin = anyOf([...steps(personLogin), ...interactionLogin])
const ofConsent = anyOf([consentPath(id)])

/** Whether a local path belongs to the pages of an authorization request. The path is untrusted. */
export function isInteractionPath(path: string): boolean {
  return ofInteraction.test(path)
}

/** Whether a local path belongs to the pages of a person. The path is untrusted. */
export function isPersonPath(path: string): boolean {
  return ofPerson.test(path)
}

/** Whether somebody logs in at a local path, for a client or for themselves. The path is untrusted. */
export function isLoginPath(path: string): boolean {
  return ofLogin.test(path)
}

/** Whether somebody decides about an authorization request at a local path. The path is untrusted. */
export function isConsentPath(path: string): boolean {
  return ofConsent.test(path)
}

const resumed = anyOf([id])

/** Whether the library goes on at a local path with what began at an endpoint. The path is untrusted. */
export function isResumption(path: string, endpoint: string): boolean {
  return path.startsWith(`${endpoint}/`) && resumed.test(path.slice(endpoint.length + 1))
}
