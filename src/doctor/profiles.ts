import type { ClientProfile, ResourceMetadataForm, ServerMetadataForm } from './profile.ts'

/** The order of the official SDKs, on which most clients are based. */
const sdkResource: readonly ResourceMetadataForm[] = ['challenge', 'path', 'root']
const sdkServer: readonly ServerMetadataForm[] = ['oauth-inserted', 'openid-inserted', 'openid-appended']

const publicClient = {
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
}

const sdk = {
  revision: '2025-11-25',
  discoveryRevision: '2025-11-25',
  opensWith: 'POST',
  resourceMetadata: sdkResource,
  serverMetadata: sdkServer,
  sendsResource: true,
  usesOriginEndpoints: false,
  comparesResourceExactly: false,
} as const

const inspector = {
  ...sdk,
  userAgent: 'node',
  registration: ['dynamic'],
  metadata: {
    ...publicClient,
    client_name: 'MCP Inspector',
    client_uri: 'https://github.com/modelcontextprotocol/inspector',
    application_type: 'native',
  },
  loopback: { host: '127.0.0.1', path: '/oauth/callback', port: 6274 },
  redirectUris: ['{loopback}'],
  asksOfflineAccess: true,
} as const

/** The clients as which doctor can act. */
export const profiles = {
  inspector: {
    ...inspector,
    title: 'MCP Inspector 2.12',
    page: { origin: 'http://localhost:6374', needsCors: false },
    evidence: 'driven: its backend makes all requests, without an Origin',
  },
  'inspector-direct': {
    ...inspector,
    title: 'MCP Inspector 1.0, connection type Direct',
    userAgent: undefined,
    loopback: { host: 'localhost', path: '/oauth/callback', port: 6374 },
    redirectUris: ['{loopback}', '{loopback}/debug'],
    metadata: { ...publicClient, client_name: 'MCP Inspector' },
    page: { origin: 'http://localhost:6374', needsCors: true },
    evidence: 'driven in a browser: every request but /authorize is subject to CORS',
  },
  claude: {
    ...sdk,
    title: 'claude.ai',
    userAgent: 'Claude-User',
    registration: ['document', 'dynamic'],
    documentUrl: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
    metadata: { ...publicClient, client_name: 'Claude', client_uri: 'https://claude.ai' },
    redirectUris: ['https://claude.ai/api/mcp/auth_callback'],
    asksOfflineAccess: true,
    usesOriginEndpoints: true,
    comparesResourceExactly: true,
    evidence: 'anthropics/claude-ai-mcp#846; its published metadata document; its connector documentation',
  },
  'claude-code': {
    ...sdk,
    title: 'Claude Code',
    userAgent: 'claude-code/2.1 (cli)',
    registration: ['document', 'dynamic'],
    documentUrl: 'https://claude.ai/oauth/claude-code-client-metadata',
    metadata: { ...publicClient, client_name: 'Claude Code', client_uri: 'https://claude.ai' },
    loopback: { host: 'localhost', path: '/callback', port: 49_536 },
    redirectUris: ['{loopback}'],
    asksOfflineAccess: true,
    comparesResourceExactly: true,
    evidence: 'anthropics/claude-code#90370; its published metadata document',
  },
  vscode: {
    ...sdk,
    title: 'Visual Studio Code',
    userAgent: undefined,
    registration: ['document', 'dynamic'],
    documentUrl: 'https://vscode.dev/oauth/client-metadata.json',
    metadata: {
      ...publicClient,
      client_name: 'Visual Studio Code',
      client_uri: 'https://code.visualstudio.com',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    },
    loopback: { host: '127.0.0.1', path: '/', port: 33_418 },
    redirectUris: [
      'https://insiders.vscode.dev/redirect',
      'https://vscode.dev/redirect',
      'http://localhost/',
      'http://127.0.0.1/',
      '{loopback}',
    ],
    asksOfflineAccess: false,
    evidence: 'its sources (base/common/oauth); its published metadata document',
  },
  cursor: {
    ...sdk,
    title: 'Cursor',
    userAgent: undefined,
    registration: ['dynamic'],
    metadata: { ...publicClient, client_name: 'Cursor' },
    loopback: { host: 'localhost', path: '/callback', port: 8787 },
    redirectUris: [
      '{loopback}',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'cursor://anysphere.cursor-mcp/oauth/callback',
    ],
    asksOfflineAccess: false,
    evidence: 'different-ai/openwork#3059; erp-mafia/accounted#2225, which quotes its registration',
  },
  'mcp-remote': {
    ...sdk,
    title: 'mcp-remote 0.15',
    userAgent: 'undici',
    opensWith: 'GET',
    registration: ['dynamic'],
    metadata: { ...publicClient, client_name: 'MCP CLI Proxy', application_type: 'native' },
    loopback: { host: 'localhost', path: '/oauth/callback', port: 28_079 },
    redirectUris: ['{loopback}'],
    asksOfflineAccess: true,
    evidence: 'driven: begins with GET; bundles SDK v2',
  },
} as const satisfies Record<string, ClientProfile>

/** The name of a client as which doctor can act. */
export type ProfileName = keyof typeof profiles

/** Finds a profile by the name that a user typed. */
export function findProfile(name: string): ClientProfile | undefined {
  return Object.hasOwn(profiles, name) ? profiles[name as ProfileName] : undefined
}

/** The redirect URIs of a client whose callback on this computer has the given port. */
export function redirectUrisOf(profile: ClientProfile, port?: number): readonly string[] {
  const callback = callbackOf(profile, port)
  return profile.redirectUris.map((uri) => uri.replace('{loopback}', callback ?? ''))
}

/** The callback of a client on this computer, or undefined if its answers go elsewhere. */
export function callbackOf({ loopback }: ClientProfile, port?: number): string | undefined {
  return loopback === undefined
    ? undefined
    : `http://${loopback.host}:${port ?? loopback.port}${loopback.path}`
}
