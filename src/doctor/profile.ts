import type { Revision } from '../mcp/revisions.ts'

/** Where a client looks for the metadata of an MCP server. */
export type ResourceMetadataForm = 'challenge' | 'path' | 'root'

/** Where a client looks for the metadata of an authorization server, relative to its issuer. */
export type ServerMetadataForm = 'oauth-inserted' | 'openid-inserted' | 'openid-appended'

/** How a known client behaves: facts, so that a new version of a client is an edit of data. */
export interface ClientProfile {
  /** What a person calls it. */
  readonly title: string
  /** Its User-Agent; undefined where it is not known. */
  readonly userAgent: string | undefined
  /** What it speaks at the MCP endpoint unless told otherwise. */
  readonly revision: Revision
  /** The `MCP-Protocol-Version` of its discovery requests, in whatever era. */
  readonly discoveryRevision: Revision
  /** Its first request, which meets the challenge. */
  readonly opensWith: 'GET' | 'POST'
  readonly resourceMetadata: readonly ResourceMetadataForm[]
  readonly serverMetadata: readonly ServerMetadataForm[]
  /** In the order of its preference. */
  readonly registration: readonly ('document' | 'dynamic')[]
  /** Its Client ID Metadata Document. */
  readonly documentUrl?: string
  /** What it registers with, apart from its redirect URIs (RFC 7591). */
  readonly metadata: Readonly<Record<string, unknown>>
  /** The callback on this computer, where it has one. The port is free to choose unless one is named. */
  readonly loopback?: {
    readonly host: 'localhost' | '127.0.0.1'
    readonly path: string
    readonly port: number
  }
  /** Every redirect URI that it registers; `{loopback}` stands for its callback on this computer. */
  readonly redirectUris: readonly [string, ...string[]]
  readonly sendsResource: boolean
  /** Adds `offline_access` and `prompt=consent` where metadata lists that scope. */
  readonly asksOfflineAccess: boolean
  /** Uses /authorize, /token and /register on the origin of the MCP server, whatever metadata says. */
  readonly usesOriginEndpoints: boolean
  /** Compares `resource` to the letter with the URL that the user typed. */
  readonly comparesResourceExactly: boolean
  /** The origin of its page, and whether it gets nowhere without CORS. */
  readonly page?: { readonly origin: string; readonly needsCors: boolean }
  /** Where these facts are from. */
  readonly evidence: string
}
