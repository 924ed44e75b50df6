import type { Revision } from '../mcp/revisions.ts'

/** Where a client looks for the metadata of an MCP server. */
export type ResourceMetadataForm = 'challenge' | 'path' | 'root'

/** Where a client looks for the metadata of an authorization server, relative to its issuer. */
export type ServerMetadataForm = 'oauth-inserted' | 'openid-inserted' | 'openid-appended'

/** How a known client behaves: data, so that a new version of a client only requires editing it. */
export interface ClientProfile {
  /** Its name for people. */
  readonly title: string
  /** Its User-Agent; undefined if unknown. */
  readonly userAgent: string | undefined
  /** What it uses at the MCP endpoint unless told otherwise. */
  readonly revision: Revision
  /** The `MCP-Protocol-Version` of its discovery requests, in either era. */
  readonly discoveryRevision: Revision
  /** The method of its first request, which receives the challenge. */
  readonly opensWith: 'GET' | 'POST'
  readonly resourceMetadata: readonly ResourceMetadataForm[]
  readonly serverMetadata: readonly ServerMetadataForm[]
  /** In order of preference. */
  readonly registration: readonly ('document' | 'dynamic')[]
  /** Its Client ID Metadata Document. */
  readonly documentUrl?: string
  /** What it registers with, except for its redirect URIs (RFC 7591). */
  readonly metadata: Readonly<Record<string, unknown>>
  /** The callback on this computer, if it has one. Any port can be used unless one is given. */
  readonly loopback?: {
    readonly host: 'localhost' | '127.0.0.1'
    readonly path: string
    readonly port: number
  }
  /** All redirect URIs that it registers; `{loopback}` stands for its callback on this computer. */
  readonly redirectUris: readonly [string, ...string[]]
  readonly sendsResource: boolean
  /** Adds `offline_access` and `prompt=consent` if the metadata lists that scope. */
  readonly asksOfflineAccess: boolean
  /** Uses /authorize, /token and /register on the origin of the MCP server, whatever the metadata says. */
  readonly usesOriginEndpoints: boolean
  /** Compares `resource` literally with the URL that the user typed. */
  readonly comparesResourceExactly: boolean
  /** The origin of its page, and whether it cannot work without CORS. */
  readonly page?: { readonly origin: string; readonly needsCors: boolean }
  /** The source of these facts. */
  readonly evidence: string
}
