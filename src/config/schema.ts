import { z } from 'zod'
import { isKnownScope, listingScopes } from '../core/scope-catalogue.ts'

/** The shortest secret that a client may have. */
export const minSecretLength = 8

/** A whole number within bounds, with an error that names them. */
function whole(least: number, most: number): z.ZodInt {
  const error = `must be a whole number from ${least} to ${most}`
  return z.int(error).min(least, error).max(most, error)
}

const port = whole(0, 65_535)
const seconds = whole(1, 86_400)
const scope = z.string().refine(isKnownScope, 'is not a scope of MCP')
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens')

const upstream = z
  .strictObject({
    name: name.meta({ description: 'Names the server in logs, metrics and pages.' }),
    path: z
      .string()
      .regex(/^(?:\/[A-Za-z0-9._~-]+)+$/, 'must be a path such as /mcp or /files/mcp')
      .default('/mcp')
      .meta({ description: 'Where clients find the server on the public URL.' }),
    url: httpUrl.optional().meta({ description: 'A server that speaks HTTP. Either this or `command`.' }),
    transport: z.enum(['auto', 'streamable-http', 'sse']).default('auto').meta({
      description:
        'How a server with `url` speaks HTTP; `sse` is the transport of 2024-11-05. `auto`: ask it.',
    }),
    era: z.enum(['auto', 'modern', 'legacy', 'both']).default('auto').meta({
      description:
        'What the server speaks: 2026-07-28 (`modern`), the revisions with `initialize` (`legacy`), or both. `auto`: ask it. A client of the other era is translated for.',
    }),
    probeSeconds: seconds.default(600).meta({
      description: 'How long the answer to such a question counts. Then the server is asked again.',
    }),
    command: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: 'A server that speaks over stdio, with its arguments. Either this or `url`.' }),
    environment: z.array(z.string().min(1)).default([]).meta({
      description:
        'Environment variables that a stdio server gets besides `PATH`, `HOME` and their like; `*` for all but those of Portcullis.',
    }),
    credential: z.enum(['identity', 'none']).default('identity').meta({
      description:
        'What the gateway sends to an HTTP server in `Authorization`: a short-lived identity token of its own, or nothing.',
    }),
    principals: z.enum(['isolated', 'shared']).default('isolated').meta({
      description:
        'Whether a process of a stdio server serves one caller, or all of them. Only a server of 2026-07-28, which keeps nothing between requests, can be `shared`.',
    }),
    processes: whole(1, 10_000).default(64).meta({
      description: 'Most processes of a stdio server.',
    }),
    processesPerCaller: whole(1, 10_000)
      .default(8)
      .meta({ description: 'Most of them for one caller, a user with a client.' }),
    memoryMegabytes: whole(16, 1_048_576).optional().meta({
      description:
        'Most memory of such a process with its children, beyond which it is stopped. On Linux alone. Default: no limit.',
    }),
    idleSeconds: seconds.default(600).meta({
      description:
        'After this time without a request such a process ends, and so does a session that the gateway itself holds with a server.',
    }),
    baselineScopes: z
      .array(scope)
      .min(1)
      .default([...listingScopes])
      .meta({
        description:
          'Scopes that a client is told to ask for at first. More are asked for when they are needed.',
      }),
    connectSeconds: seconds.default(5).meta({ description: 'Time to connect to the server.' }),
    responseSeconds: seconds
      .default(120)
      .meta({ description: 'Time for the server to give a first sign of its answer.' }),
  })
  .meta({ description: 'An MCP server behind the gate.' })

const client = z
  .strictObject({
    id: z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable characters'),
    name: z.string().min(1).max(100).optional().meta({ description: 'Shown to users.' }),
    secret: z
      .string()
      .min(minSecretLength, `must have at least ${minSecretLength} characters`)
      .optional()
      .meta({
        description:
          'Makes the client confidential. Best set as the name of an environment variable: `$NAME`.',
      }),
    redirectUris: z.array(z.string().min(1)).default([]),
    grantTypes: z
      .array(z.enum(['authorization_code', 'refresh_token', 'client_credentials']))
      .min(1)
      .default(['authorization_code', 'refresh_token']),
    scopes: z.array(scope).optional().meta({
      description:
        'The most that the client may get, and what client_credentials gives when the client names no scope.',
    }),
  })
  .meta({ description: 'A client that is known beforehand.' })

const issuer = z
  .strictObject({
    issuer: httpUrl.meta({ description: 'The issuer, exactly as it stands in its tokens.' }),
    jwksUri: httpUrl.meta({ description: 'Where its public keys are.' }),
    audiences: z
      .array(z.string().min(1))
      .optional()
      .meta({ description: 'Values of `aud` that are accepted in place of the resource.' }),
    tokenTypes: z
      .array(z.string().min(1))
      .min(1)
      .default(['at+jwt'])
      .meta({ description: 'Values of the `typ` header that mark its access tokens.' }),
  })
  .meta({ description: 'Another authorization server whose access tokens the gateway accepts.' })

/** The one schema of the configuration: YAML, environment, flags, JSON Schema and docs/configuration.md. */
export const configSchema = z.strictObject({
  mode: z.enum(['development', 'production']).default('development').meta({
    description: 'Development is for loopback only: login without password, open CORS for loopback origins.',
  }),
  publicUrl: httpUrl.optional().meta({
    description:
      'The URL under which clients reach the gateway. Default: `http://127.0.0.1:<listen.gateway>`.',
  }),
  listen: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .meta({ description: 'Address of the gateway, the only public listener.' }),
      gateway: port.default(3002).meta({ description: 'Port of the gateway.' }),
      internalHost: z.string().default('127.0.0.1').meta({ description: 'Address of all other listeners.' }),
      authorizationServer: port
        .default(3003)
        .meta({ description: 'Port of the authorization server. 0: any free port.' }),
      demo: port.default(3004).meta({ description: 'Port of the demo MCP server. 0: any free port.' }),
      admin: port.default(3005).meta({ description: 'Port of health and metrics. 0: any free port.' }),
    })
    .prefault({}),
  allowedHosts: z.array(z.string().min(1)).default([]).meta({
    description: 'Further values of the Host header that are served, with port where it is not the default.',
  }),
  data: z
    .string()
    .min(1)
    .default('./.portcullis')
    .meta({ description: 'Folder of the store, the secret and the audit file.' }),
  secret: z.string().min(43, 'must be 32 random bytes or more in base64url: 43 characters').optional().meta({
    description:
      'The secret from which all others are derived: 32 random bytes or more in base64url. Default: kept in the data folder.',
  }),
  upstreams: z.array(upstream).default([]),
  login: z
    .strictObject({
      users: z.enum(['development', 'none']).default('development').meta({
        description: 'Who may log in: anybody who types a name (development mode only), or nobody.',
      }),
    })
    .prefault({}),
  clients: z.array(client).default([]),
  registration: z
    .strictObject({
      dynamic: z
        .enum(['open', 'off'])
        .default('open')
        .meta({ description: 'Whether clients may register themselves (RFC 7591).' }),
    })
    .prefault({}),
  issuers: z.array(issuer).default([]),
  tokens: z
    .strictObject({
      signingAlgorithm: z
        .enum(['ES256', 'RS256', 'EdDSA'])
        .default('ES256')
        .meta({ description: 'How tokens are signed.' }),
      codeSeconds: whole(1, 600).default(60).meta({ description: 'Lifetime of an authorization code.' }),
      accessTokenSeconds: whole(30, 86_400)
        .default(3600)
        .meta({ description: 'Lifetime of an access token.' }),
      refreshTokenSeconds: whole(60, 31_536_000)
        .default(2_592_000)
        .meta({ description: 'Lifetime of a refresh token. Each use begins it anew.' }),
    })
    .prefault({}),
  cors: z
    .strictObject({
      origins: z
        .array(z.string().regex(/^https?:\/\/[^/]+$/, 'must be an origin such as https://app.example.com'))
        .default([])
        .meta({
          description: 'Origins of web pages that may call. Development mode adds every loopback origin.',
        }),
    })
    .prefault({}),
  limits: z
    .strictObject({
      bodyBytes: whole(1024, 1_073_741_824)
        .default(4_194_304)
        .meta({ description: 'Largest body of an MCP request.' }),
      headerBytes: whole(2048, 262_144).default(16_384).meta({ description: 'Largest head of a request.' }),
      nesting: whole(4, 512).default(64).meta({ description: 'Deepest nesting of a JSON body.' }),
      running: whole(1, 10_000).default(64).meta({
        description: 'Most requests that one caller, a user with a client, can have running at a time.',
      }),
      batch: whole(1, 1000).default(50).meta({ description: 'Most messages in a batch.' }),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .meta({ description: 'Least severe lines to write.' }),
      format: z
        .enum(['text', 'json'])
        .default('json')
        .meta({ description: 'Lines for people or for machines.' }),
    })
    .prefault({}),
  audit: z
    .strictObject({
      file: z.string().min(1).optional().meta({
        description:
          'Where each request is recorded, one JSON object a line. Default: `audit.jsonl` in the data folder.',
      }),
    })
    .prefault({}),
})

/** A configuration as it is written. */
export type ConfigInput = z.input<typeof configSchema>

/** A configuration that has passed the schema, before defaults that depend on other settings. */
export type ParsedConfig = z.output<typeof configSchema>

/** A checked configuration. Frozen. */
export interface Config extends ParsedConfig {
  /** Canonical: no trailing slash. */
  readonly publicUrl: string
}

/** One MCP server behind the gate. */
export type UpstreamConfig = ParsedConfig['upstreams'][number]
