import { z } from 'zod'
import { mostWorkers } from '../core/worker-place.ts'
import { auditSchema } from './audit-schema.ts'
import { clientSchema } from './client-schema.ts'
import { dpopSchema, grantsSchema } from './grants.ts'
import { issuerSchema } from './issuer-schema.ts'
import { limitsSchema } from './limits.ts'
import { providerSchema } from './provider-schema.ts'
import { type TenantOf, tenantOwn, tenantSettings } from './tenant-schema.ts'
import { tlsSchema } from './tls.ts'
import { tracesSchema } from './traces.ts'
import { upstreamSchema } from './upstream-schema.ts'
import { accessTokenSeconds, databaseUrl, httpUrl, network, whole } from './values.ts'

const port = whole(0, 65_535)

/** The callbacks of clients that are known to use a private-use scheme: Cursor, Raycast and Warp. */
const knownPrivateUseRedirects = [
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'com.raycast:/oauth',
  'warp://mcp/oauth2callback',
]

const lifetimeProfile = z
  .strictObject({
    redirectHost: z
      .string()
      .regex(/^[a-z0-9.-]+$/, 'must be a host name in lower case, such as claude.ai')
      .meta({ description: 'The host that all redirect URIs of the client point to.' }),
    accessTokenSeconds: accessTokenSeconds.meta({ description: 'Lifetime of its access tokens.' }),
  })
  .meta({ description: 'Clients whose access tokens live longer or shorter than those of other clients.' })

/** Everything but the tenants. */
const installationSchema = z.strictObject({
  mode: z.enum(['development', 'production']).default('development').meta({
    description:
      '`development` is for loopback only: login without a password, and CORS open to loopback origins.',
  }),
  publicUrl: httpUrl.optional().meta({
    description:
      'The URL at which clients reach the gateway: an origin, or a path on one (docs/operations.md). Default: `http://127.0.0.1:<listen.gateway>`.',
  }),
  listen: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .meta({ description: 'Address that the gateway, the only public listener, listens on.' }),
      gateway: port.default(3002).meta({ description: 'Port of the gateway.' }),
      tls: tlsSchema,
      internalHost: z
        .string()
        .default('127.0.0.1')
        .meta({ description: 'Address that all other listeners listen on.' }),
      authorizationServer: port
        .default(3003)
        .meta({ description: 'Port of the authorization server. 0: any free port.' }),
      demo: port.default(3004).meta({ description: 'Port of the demo MCP server. 0: any free port.' }),
      admin: port.default(3005).meta({
        description: 'Port of the admin listener: health, metrics and dashboard. 0: any free port.',
      }),
      adminHost: z.string().optional().meta({
        description:
          'Address that the admin listener listens on, if probes or Prometheus connect from elsewhere. Default: `listen.internalHost`.',
      }),
      metricsToken: z
        .string()
        .regex(
          /^[\w.~+/-]{32,512}=*$/,
          'must have at least 32 characters, all of which a bearer token may have',
        )
        .optional()
        .meta({
          description:
            'The bearer token that Prometheus must present for `/metrics`. Best set through its environment variable, or as the name of another one: `$NAME`. Default: no token is needed, so anyone who can reach the port can read the metrics.',
        }),
      noticeSeconds: whole(0, 300).optional().meta({
        description:
          'On shutdown, how long `/readyz` answers 503 before anything closes, so that load balancers notice. Default: 3 in production mode, otherwise 0.',
      }),
      adminNames: z.array(z.string().min(1)).default([]).meta({
        description:
          'Host names at which the admin listener is reached, such as `portcullis`. IP addresses need not be listed.',
      }),
    })
    .prefault({}),
  workers: whole(1, mostWorkers).default(1).meta({
    description:
      'Number of processes that serve on one machine: as many as it has cores to spare. Only `serve` uses it. See docs/operations.md.',
  }),
  allowedHosts: z.array(z.string().min(1)).default([]).meta({
    description: 'Additional `Host` header values to accept, with the port if it is not the default.',
  }),
  trustedProxies: z.array(network).default([]).meta({
    description:
      'IP addresses and networks (CIDR) of proxies in front of the gateway. Only from these is the client address taken from `X-Forwarded-For` or `Forwarded`, for limits, logs and the audit.',
  }),
  data: z
    .string()
    .min(1)
    .default('./.portcullis')
    .meta({ description: 'Folder for the store, the secret and the audit.' }),
  secret: z.string().min(43, 'must be 32 random bytes or more in base64url: 43 characters').optional().meta({
    description:
      'The secret that all other secrets are derived from: at least 32 random bytes in base64url. Default: generated once and kept in the data folder.',
  }),
  store: z
    .strictObject({
      url: databaseUrl.optional().meta({
        description:
          'PostgreSQL instead of the embedded store: `postgres://user:password@host/database`. Best set through its environment variable, or as the name of another one: `$NAME`. Requires `secret`.',
      }),
    })
    .prefault({}),
  upstreams: z.array(upstreamSchema).default([]),
  scopes: z.record(z.string(), z.string().min(1).max(200)).default({}).meta({
    description:
      'Your own scopes in addition to those of MCP, each with the text that users see when they are asked for it: `{ "archive:write": "Change the archive" }`. A server requires them through `methods` or `baselineScopes`.',
  }),
  login: z
    .strictObject({
      users: z.enum(['local', 'development', 'none']).optional().meta({
        description:
          'Who may log in: users kept here (`portcullis user`), anyone who types a name (development mode only), or nobody. Default: `none` if there are `providers`; otherwise `local` in production mode and `development` in development mode.',
      }),
      providers: z.array(providerSchema).default([]),
      idleSeconds: whole(60, 31_536_000).default(1_209_600).meta({
        description: 'How long a login is remembered without activity.',
      }),
      sessionSeconds: whole(60, 31_536_000).default(2_592_000).meta({
        description: 'How long a login is remembered at most.',
      }),
    })
    .prefault({}),
  consent: z
    .strictObject({
      rememberDays: whole(0, 365).default(90).meta({
        description:
          "For how many days users are not asked again for what they have already agreed to. Clients that run on the user's own computer ask every time. 0: every client asks every time.",
      }),
    })
    .prefault({}),
  clients: z.array(clientSchema).default([]),
  registration: z
    .strictObject({
      dynamic: z.enum(['open', 'token', 'off']).default('open').meta({
        description:
          'Whether clients may register themselves (RFC 7591): all clients, those with the initial access token, or none.',
      }),
      initialAccessToken: z.string().min(32, 'must have at least 32 characters').max(512).optional().meta({
        description: 'The bearer token that a client must present to register if `dynamic` is `token`.',
      }),
      unusedSeconds: whole(60, 31_536_000).default(604_800).meta({
        description: 'How long a registration is kept that no user has approved yet.',
      }),
      idleSeconds: whole(3600, 315_360_000).default(7_776_000).meta({
        description:
          'How long a registration is kept after its last use. It is always kept at least as long as a refresh token lives.',
      }),
      maxClients: whole(1, 10_000_000).default(10_000).meta({
        description:
          'Maximum number of self-registered clients. Beyond it, clients that were never used are removed, oldest first.',
      }),
      newPerMinute: whole(1, 100_000).default(240).meta({
        description: 'Maximum number of new registrations per minute. A single address gets a quarter of it.',
      }),
      privateUseRedirects: z
        .array(z.string().min(1))
        .default([...knownPrivateUseRedirects])
        .meta({
          description:
            'Redirect URIs with a private-use scheme that clients may register. Each must match exactly.',
        }),
      documents: z
        .strictObject({
          enabled: z.boolean().default(true).meta({
            description:
              'Whether the URL of a client ID metadata document is accepted as a client id. Requires outgoing https.',
          }),
          allowedHosts: z
            .array(z.string().regex(/^[a-z0-9.-]+$/, 'must be a host name in lower case'))
            .optional()
            .meta({
              description: 'Hosts that documents are fetched from. Default: any host on the public internet.',
            }),
          probe: z
            .url({ protocol: /^https$/, error: 'must be an https URL' })
            .optional()
            .meta({
              description:
                'The https URL of a document that must be reachable. It is tried at startup, and support for documents is not announced while its host does not answer. Default: in production, port 443 of the `allowedHosts`, one of which must answer; otherwise nothing is tried.',
            }),
        })
        .prefault({}),
    })
    .prefault({}),
  issuers: z.array(issuerSchema).default([]),
  authorizationServer: z.enum(['own', 'external']).default('own').meta({
    description:
      'Where clients get access tokens: from the built-in authorization server, or only from the `issuers`, in which case the built-in one does not start.',
  }),
  tokens: z
    .strictObject({
      signingAlgorithm: z
        .enum(['ES256', 'RS256', 'EdDSA'])
        .default('ES256')
        .meta({ description: 'Algorithm that tokens are signed with.' }),
      codeSeconds: whole(1, 600).default(60).meta({ description: 'Lifetime of an authorization code.' }),
      accessTokenSeconds: accessTokenSeconds
        .default(3600)
        .meta({ description: 'Lifetime of an access token.' }),
      refreshIdleSeconds: whole(60, 31_536_000)
        .default(2_592_000)
        .meta({ description: 'Lifetime of a refresh token. It starts over with each use.' }),
      refreshAbsoluteSeconds: whole(60, 63_072_000).default(31_536_000).meta({
        description:
          'Maximum time after an authorization until the user is asked again, however often the token is refreshed.',
      }),
      refreshWindowSeconds: whole(0, 60).default(20).meta({
        description:
          'For how long a refresh token that was already used can be presented again, for the same request, and lead to the same successor, so that two programs can share one. 0: never; using it twice ends the grant at once.',
      }),
      profiles: z.array(lifetimeProfile).default([]),
    })
    .prefault({}),
  grants: grantsSchema,
  dpop: dpopSchema,
  cors: z
    .strictObject({
      origins: z
        .array(z.string().regex(/^https?:\/\/[^/]+$/, 'must be an origin such as https://app.example.com'))
        .default([])
        .meta({
          description:
            'Origins of web pages that may call the gateway. Development mode adds every loopback origin.',
        }),
    })
    .prefault({}),
  limits: limitsSchema,
  traces: tracesSchema,
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .meta({ description: 'Minimum severity of the lines that are written.' }),
      format: z
        .enum(['text', 'json'])
        .default('json')
        .meta({ description: '`text` for people, `json` for machines.' }),
    })
    .prefault({}),
  audit: auditSchema,
})

/** The one schema of the configuration: YAML, environment, flags, JSON Schema and docs/configuration.md. */
export const configSchema = installationSchema.extend({
  tenants: z.array(installationSchema.pick(tenantSettings).extend(tenantOwn)).default([]),
})

/** A configuration as written. */
export type ConfigInput = z.input<typeof configSchema>

/** A configuration that has passed the schema, before defaults that depend on other settings. */
export type ParsedConfig = z.output<typeof configSchema>

type CompleteLogin = ParsedConfig['login'] & { users: 'local' | 'development' | 'none' }

/** A checked configuration. Frozen. */
export interface Config extends ParsedConfig {
  /** Canonical: no trailing slash. */
  readonly publicUrl: string
  readonly login: CompleteLogin
  readonly tenants: TenantConfig[]
  /** Set in the configuration of a tenant. */
  readonly tenant?: TenantOf | undefined
}

/** A tenant in a checked configuration. */
export type TenantConfig = ParsedConfig['tenants'][number] & { readonly login: CompleteLogin }

/** One MCP server behind the gateway. */
export type UpstreamConfig = ParsedConfig['upstreams'][number]
