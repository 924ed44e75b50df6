import { z } from 'zod'
import { mostWorkers } from '../core/worker-place.ts'
import { auditSchema } from './schema/audit-schema.ts'
import { clientSchema } from './schema/client-schema.ts'
import { grantsSchema } from './schema/grants-schema.ts'
import { issuerSchema } from './schema/issuer-schema.ts'
import { limitsSchema } from './schema/limits-schema.ts'
import { listenSchema } from './schema/listen-schema.ts'
import { policiesSchema, policyModeSchema, rolesSchema } from './schema/policies-schema.ts'
import { providerSchema } from './schema/provider-schema.ts'
import { registrationSchema } from './schema/registration-schema.ts'
import { type TenantOf, tenantOwn, tenantSettings } from './schema/tenant-schema.ts'
import { tokensSchema } from './schema/tokens-schema.ts'
import { tracesSchema } from './schema/traces-schema.ts'
import { upstreamSchema } from './schema/upstream-schema.ts'
import { databaseUrl, folder, host, httpUrl, network, originLike, secret, whole } from './schema/values.ts'

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
  listen: listenSchema,
  workers: whole(1, mostWorkers).default(1).meta({
    description:
      'Number of processes that serve on one machine: as many as it has cores to spare. Only `serve` uses it. See docs/operations.md.',
  }),
  allowedHosts: z.array(host).default([]).meta({
    description: 'Additional `Host` header values to accept, with the port if it is not the default.',
  }),
  trustedProxies: z.array(network).default([]).meta({
    description:
      'IP addresses and networks (CIDR) of proxies in front of the gateway. Only from these is the client address taken from `X-Forwarded-For` or `Forwarded`, for limits, logs and the audit.',
  }),
  data: folder
    .default('./.portcullis')
    .meta({ description: 'Folder for the store, the secret and the audit.' }),
  secret: secret.optional().meta({
    description:
      'The secret that all other secrets are derived from: at least 32 random bytes in base64url. Best set through its environment variable, or as the name of another one: `$NAME`. Default: generated once and kept in the data folder.',
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
  policies: policiesSchema,
  policyMode: policyModeSchema,
  roles: rolesSchema,
  login: z
    .strictObject({
      users: z.enum(['local', 'development', 'none']).optional().meta({
        description:
          'Who may log in: users kept here (`portcullis user`), anyone who types a name (development mode only), or nobody. Default: `none` if there are `providers`, or `authorizationServer` is `external`; otherwise `local` in production mode and `development` in development mode.',
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
  registration: registrationSchema,
  issuers: z.array(issuerSchema).default([]),
  authorizationServer: z.enum(['own', 'external']).default('own').meta({
    description:
      'Where clients get access tokens: from the built-in authorization server, or only from the `issuers`, in which case the built-in one does not start.',
  }),
  tokens: tokensSchema,
  grants: grantsSchema,
  dpop: z
    .strictObject({
      nonce: z.enum(['optional', 'required']).default('optional').meta({
        description:
          'Whether DPoP proofs must contain a nonce from the server, so that they cannot be made in advance.',
      }),
    })
    .prefault({}),
  cors: z
    .strictObject({
      origins: z.array(originLike('https://app.example.com')).default([]).meta({
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
  readonly upstreams: UpstreamConfig[]
  readonly login: CompleteLogin
  readonly tenants: TenantConfig[]
  /** Set in the configuration of a tenant. */
  readonly tenant?: TenantOf | undefined
}

/** A tenant in a checked configuration. */
export type TenantConfig = ParsedConfig['tenants'][number] & {
  readonly upstreams: UpstreamConfig[]
  readonly login: CompleteLogin
}

/** One MCP server behind the gateway. */
export type UpstreamConfig = ParsedConfig['upstreams'][number] & {
  /** The variables that `*` in its environment does not mean, since settings of ours name them (`$NAME`). */
  readonly withheld?: readonly string[] | undefined
}
