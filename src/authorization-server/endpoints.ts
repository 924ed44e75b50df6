import type { OAuthStep } from '../telemetry/event.ts'
import { endpointPaths as at, isResumption } from './paths.ts'

/** What the front layer knows about a path that the authorization server answers. */
export interface Endpoint {
  readonly step: OAuthStep
  readonly methods: readonly string[]
  /**
   * Whether pages of other origins may call it: never where there is user interaction or a cookie (RFC 9700
   * section 2.6).
   */
  readonly cors: boolean
  /** An `authorization` form is completed like an authorization request. */
  readonly body?: 'form' | 'authorization' | 'json'
  /** Whether it stores something for anyone's request, so that the number of requests is limited. */
  readonly stores?: true
  /** An option of the operator without which there is nothing at the path. */
  readonly needs?: 'deviceCode' | 'registration'
}

const exact: Readonly<Record<string, Endpoint>> = {
  '/.well-known/oauth-authorization-server': { step: 'discovery', methods: ['GET', 'HEAD'], cors: true },
  '/.well-known/openid-configuration': { step: 'discovery', methods: ['GET', 'HEAD'], cors: true },
  [at.jwks]: { step: 'keys', methods: ['GET', 'HEAD'], cors: true },
  [at.registration]: {
    step: 'registration',
    methods: ['POST'],
    cors: true,
    body: 'json',
    needs: 'registration',
  },
  [at.authorization]: { step: 'authorization', methods: ['GET'], cors: false, stores: true },
  [at.token]: { step: 'token', methods: ['POST'], cors: true, body: 'form' },
  [at.pushed_authorization_request]: {
    step: 'pushed_request',
    methods: ['POST'],
    cors: true,
    body: 'authorization',
    stores: true,
  },
  [at.device_authorization]: {
    step: 'device',
    methods: ['POST'],
    cors: true,
    body: 'authorization',
    stores: true,
    needs: 'deviceCode',
  },
  [at.code_verification]: {
    step: 'device',
    methods: ['GET', 'POST'],
    cors: false,
    body: 'form',
    stores: true,
    needs: 'deviceCode',
  },
  [at.revocation]: { step: 'revocation', methods: ['POST'], cors: true, body: 'form' },
  [at.introspection]: { step: 'introspection', methods: ['POST'], cors: true, body: 'form' },
}

/** Finds the endpoint of a local path that needs no rewriting. The path is untrusted. */
export function findEndpoint(path: string): Endpoint | undefined {
  if (Object.hasOwn(exact, path)) return exact[path]
  if (isResumption(path, at.authorization)) return { step: 'resumption', methods: ['GET'], cors: false }
  if (isResumption(path, at.code_verification))
    return { step: 'resumption', methods: ['GET'], cors: false, needs: 'deviceCode' }
  return undefined
}

const wellKnown =
  /^(?<before>\/.*?)?\/\.well-known\/(?<name>oauth-authorization-server|openid-configuration)(?<after>\/.+)?$/

/**
 * Maps every local path at which clients look for metadata to the one that the library answers: inserted
 * before the path of an MCP server (RFC 8414 section 3.1) or appended to it (OpenID Connect Discovery
 * section 4). `paths` are the paths of the MCP servers. Any other path is returned unchanged.
 */
export function canonicalPath(path: string, paths: ReadonlySet<string>): string {
  const { before, name, after } = wellKnown.exec(path)?.groups ?? {}
  if (name === undefined || (before !== undefined && after !== undefined)) return path
  const of = before ?? after
  return of === undefined || paths.has(of) ? `/.well-known/${name}` : path
}
