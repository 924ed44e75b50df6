import type { ConfigInput } from '../../src/config/schema.ts'
import { confidential } from '../support/confidential.ts'

const day = 24 * 3600

/** The lifetimes of everything, in seconds. */
export const lifetimes = {
  codeSeconds: 60,
  accessTokenSeconds: 3600,
  refreshIdleSeconds: 2 * day,
  refreshAbsoluteSeconds: 5 * day,
  refreshWindowSeconds: 20,
  sessionIdleSeconds: 3 * day,
  sessionSeconds: 8 * day,
  consentSeconds: 6 * day,
  deviceCodeSeconds: 600,
  pageSeconds: 600,
  unusedClientSeconds: day,
}

/** The program that may look into all tokens. */
export const witness = 'witness'

/** The scopes of the machine. */
export const machineScopes = ['mcp:tools:read', 'mcp:tools:execute']

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code'
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** Two servers, users who are kept here, and all grants. */
export const configuration = {
  upstreams: ['one', 'two'].map((name) => ({
    name,
    path: `/${name}/mcp`,
    // Nothing is listening there: a 502 says that a request was let through.
    url: 'http://127.0.0.1:9/mcp',
    breaker: { failures: 0 },
  })),
  login: {
    users: 'local',
    idleSeconds: lifetimes.sessionIdleSeconds,
    sessionSeconds: lifetimes.sessionSeconds,
  },
  consent: { rememberDays: lifetimes.consentSeconds / day },
  registration: {
    newPerMinute: 100_000,
    unusedSeconds: lifetimes.unusedClientSeconds,
    idleSeconds: 3600,
  },
  limits: { authorizations: 1_000_000, authorizationsPerNetwork: 1_000_000 },
  tokens: {
    codeSeconds: lifetimes.codeSeconds,
    accessTokenSeconds: lifetimes.accessTokenSeconds,
    refreshIdleSeconds: lifetimes.refreshIdleSeconds,
    refreshAbsoluteSeconds: lifetimes.refreshAbsoluteSeconds,
    refreshWindowSeconds: lifetimes.refreshWindowSeconds,
  },
  grants: { deviceCode: 'on', tokenExchange: 'on' },
  clients: [
    confidential('machine', ['client_credentials'], { scopes: machineScopes }),
    confidential('agent', [exchange]),
    confidential('helper', [exchange], { upstreams: ['one', 'two'] }),
    confidential(witness, ['client_credentials'], { scopes: ['mcp:tools:read'] }),
    { id: 'television', name: 'The television', grantTypes: [deviceCode, 'refresh_token'] },
  ],
} satisfies ConfigInput
