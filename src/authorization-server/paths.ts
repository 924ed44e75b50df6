/*
 * Where the authorization server answers. All paths are local: they begin where the public URL ends.
 * `core/reserved-segments.ts` keeps MCP servers from using their first segments.
 */

/** The endpoints of the protocol, by their names in oidc-provider. */
export const endpointPaths = {
  authorization: '/authorize',
  token: '/token',
  registration: '/register',
  revocation: '/revoke',
  introspection: '/introspect',
  jwks: '/jwks',
  pushed_authorization_request: '/par',
  device_authorization: '/device_authorization',
  /** Where a user enters the code that a device shows. */
  code_verification: '/device',
} as const

/** Where the pages of an authorization request begin. */
export function interactionPath(uid: string): string {
  return `/interaction/${uid}`
}

/** Where the decision about an authorization request is sent. */
export function consentPath(uid: string): string {
  return `${interactionPath(uid)}/consent`
}

/** The paths for the steps of a login. */
interface LoginPaths {
  /** The page, and the target of its form. */
  readonly login: string
  readonly passkey: string
  /** Where the choice of an identity provider is sent. */
  readonly provider: string
  /** Where the provider with this name sends browsers back to. */
  readonly callback: (provider: string) => string
}

/** The login paths below a path: that of an interaction, or the empty one for a user's own pages. */
export function loginPaths(behind: string): LoginPaths {
  const login = `${behind}/login`
  return {
    login,
    passkey: `${login}/passkey`,
    provider: `${login}/provider`,
    callback: (provider) => `${login}/callback/${provider}`,
  }
}

/** Where a user signs in, without any client. */
export const personLogin: LoginPaths = loginPaths('')
/** Where a user signs out. */
export const logoutPath = '/logout'
/** Where a user sees which clients they have granted access. */
export const accountPath = '/account'
/** The target of the form that ends the access of a client. */
export const revokePath = `${accountPath}/revoke`
/** Where a user changes their password. */
export const passwordPath = `${accountPath}/password`
/** Where a user manages passkeys. */
export const passkeysPath = `${accountPath}/passkeys`
/** The target of the form that adds one. */
export const addPasskeyPath = `${passkeysPath}/add`
/** The target of the form that removes one. */
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

/** Whether a local path belongs to the pages of a user. The path is untrusted. */
export function isPersonPath(path: string): boolean {
  return ofPerson.test(path)
}

/**
 * Whether a local path is for logging in, for a client or for the user's own pages. The path is untrusted.
 */
export function isLoginPath(path: string): boolean {
  return ofLogin.test(path)
}

/** Whether a local path is for the decision about an authorization request. The path is untrusted. */
export function isConsentPath(path: string): boolean {
  return ofConsent.test(path)
}

const resumed = anyOf([id])

/** Whether, at a local path, the library resumes what began at an endpoint. The path is untrusted. */
export function isResumption(path: string, endpoint: string): boolean {
  return path.startsWith(`${endpoint}/`) && resumed.test(path.slice(endpoint.length + 1))
}
