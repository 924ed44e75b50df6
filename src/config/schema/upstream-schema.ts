import { z } from 'zod'
import { listingScopes } from '../../core/scope-catalogue.ts'
import { filterEntries } from '../../mcp/subscriptions.ts'
import { credentialSchema } from './credential-schema.ts'
import { httpUrl, scope, whole } from './values.ts'

const seconds = whole(1, 86_400)
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens')

const variableName = z
  .string()
  .regex(
    /^(?:\*|[^\s=$]+)$/,
    'must be the name of a variable alone, such as API_TOKEN: its value is the one that Portcullis was started with',
  )

const isMethodName = (text: string): boolean => /^[\w./-]{1,128}$/.test(text)

const patterns = z.array(z.string().min(1).max(500))

/** Which objects of one kind may be used. */
const kindRules = (what: string) =>
  z
    .strictObject({
      allow: patterns.default(['*']).meta({
        description: `Patterns of the ${what} that may be used. In a pattern, \`*\` matches any text.`,
      }),
      deny: patterns
        .default([])
        .meta({ description: `Patterns of the ${what} that may not be used, whatever else allows them.` }),
    })
    .prefault({})

/** The setting of one MCP server. */
export const upstreamSchema = z
  .strictObject({
    name: name.meta({ description: 'Name of the server in logs, metrics and pages.' }),
    path: z
      .string()
      .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/, 'must be a path such as /mcp or /files/mcp')
      .default('/mcp')
      .meta({ description: 'Path of the server on the public URL.' }),
    url: httpUrl
      .optional()
      .meta({ description: 'URL of a server that speaks HTTP. Set either this or `command`.' }),
    transport: z.enum(['auto', 'streamable-http', 'sse']).default('auto').meta({
      description:
        'Transport of a server with `url`; `sse` is the one of revision 2024-11-05. `auto` finds out by asking the server.',
    }),
    era: z.enum(['auto', 'modern', 'legacy', 'both']).default('auto').meta({
      description:
        'Protocol era of the server: 2026-07-28 (`modern`), the revisions with `initialize` (`legacy`), or both. `auto` finds out by asking the server. Requests of clients of the other era are translated.',
    }),
    probeSeconds: seconds.default(600).meta({
      description: 'How long what `auto` has found out is remembered before the server is asked again.',
    }),
    command: z.array(z.string().min(1)).min(1).optional().meta({
      description:
        'Command line of a server that speaks over stdio, as a list of program and arguments. Set either this or `url`.',
    }),
    environment: z.array(variableName).default([]).meta({
      description:
        'Names of environment variables passed to a stdio server in addition to `PATH`, `HOME` and the like. `*` passes all but those of Portcullis, which are also those that a setting names as `$NAME`. Name such a one beside `*` if the server needs it too.',
    }),
    credential: credentialSchema.meta({
      description:
        "What the gateway authenticates with at an HTTP server: a short-lived identity token of its own (`identity`), nothing (`none`), or one of the kinds below (docs/upstream-credentials.md). It never sends the client's token.",
    }),
    principals: z.enum(['isolated', 'shared']).default('isolated').meta({
      description:
        'Whether each caller gets its own process of a stdio server, or all callers share one. Only a 2026-07-28 server can be `shared`, since it keeps nothing between requests.',
    }),
    processes: whole(1, 10_000).optional().meta({
      description: 'Maximum number of processes of a stdio server. Default: 64.',
    }),
    processesPerCaller: whole(1, 10_000).optional().meta({
      description:
        'Maximum number of these processes for one caller (a user with a client). Beyond it, the one that has been idle longest is stopped to make room. Default: 8.',
    }),
    memoryMegabytes: whole(16, 1_048_576).optional().meta({
      description:
        'Maximum memory of a process and its children; a process that exceeds it is stopped. Linux only. Default: no limit.',
    }),
    idleSeconds: seconds.default(600).meta({
      description:
        'How long a process without requests keeps running. The same applies to a session that the gateway itself holds with a server, unless a client has a stream of it open.',
    }),
    baselineScopes: z
      .array(scope)
      .min(1)
      .default([...listingScopes])
      .meta({
        description:
          'Scopes that clients are told to request at first. More are requested when they are needed.',
      }),
    objects: z
      .strictObject({
        tools: kindRules('tools, by name,'),
        resources: kindRules('resources and resource templates, by URI,'),
        prompts: kindRules('prompts, by name,'),
      })
      .prefault({}),
    listing: z.enum(['reachable', 'marked', 'callable']).default('reachable').meta({
      description:
        'Which of the permitted objects lists show: all (`reachable`); all, with `_meta["portcullis/missingScopes"]` on each one that needs more scopes than the token has (`marked`); or only those that the token allows now (`callable`).',
    }),
    separatesTasks: z.boolean().optional().meta({
      description:
        'Whether the server itself keeps the tasks of different callers apart. Only then do clients see lists of tasks and unsolicited notifications about them. Default: `true` for a stdio server with a process for each caller, otherwise `false`.',
    }),
    mayAsk: z
      .strictObject({
        sampling: z
          .boolean()
          .default(true)
          .meta({ description: 'Whether it may ask the client to have its model write something.' }),
        elicitation: z
          .boolean()
          .default(true)
          .meta({ description: 'Whether it may ask the user something.' }),
        roots: z
          .boolean()
          .default(true)
          .meta({ description: 'Whether it may ask which folders the client works in.' }),
      })
      .prefault({})
      .meta({
        description:
          'What the server may ask of a client. Anything else is removed from the capabilities that clients declare to it, and is never passed on to a client.',
      }),
    audit: z
      .strictObject({
        arguments: z.enum(['omit', 'hash', 'redact']).default('omit').meta({
          description:
            'What the audit keeps of the arguments of tools and prompts: nothing (`omit`), a keyed hash (`hash`), or a copy without secrets (`redact`).',
        }),
        redact: z.array(z.string().min(1)).default([]).meta({
          description:
            'With `redact`: names of members, or paths such as `user.email`, in any case, that are hidden in addition to those that look like secrets.',
        }),
      })
      .prefault({}),
    methods: z
      .record(z.string(), z.array(scope))
      .refine((methods) => Object.keys(methods).every(isMethodName), 'each key must be the name of a method')
      .default({})
      .meta({
        description:
          'Scopes that a method requires, by method: either instead of the MCP default, or for a method that MCP does not define, which would be refused otherwise: `{ "x/search": ["mcp:resources:read"] }`. Names that begin with `notifications/` are notifications. The scopes must be from MCP or from `scopes`.',
      }),
    listenFilters: z
      .record(z.string().min(1).max(128), z.array(scope))
      .refine(
        (filters) => !Object.keys(filters).some((entry) => Object.hasOwn(filterEntries, entry)),
        'must not name an entry that MCP knows: that needs the scopes of the list, or of resources/subscribe, which `methods` can set',
      )
      .default({})
      .meta({
        description:
          'Scopes required for entries in the filter of `subscriptions/listen` that MCP does not define. Without this setting, a filter with such an entry is invalid. The scopes only control who may ask; the server decides whom it notifies.',
      }),
    dpop: z.enum(['optional', 'required', 'off']).default('optional').meta({
      description:
        'Whether access tokens are bound to a key of the client (DPoP): if the client wants it (`optional`), always (`required`), or never, and DPoP is not offered (`off`).',
    }),
    limits: z
      .strictObject({
        running: whole(1, 100_000).default(1000).meta({
          description: 'Maximum number of concurrent requests to the server, from all callers.',
        }),
        streams: whole(1, 1_000_000).default(10_000).meta({
          description: 'Maximum number of open streams to the server, from all callers.',
        }),
        perMinute: whole(1, 10_000_000).optional().meta({
          description: 'Maximum number of requests per minute, from all callers. Default: no limit.',
        }),
        toolsPerMinute: z
          .record(z.string().min(1), whole(1, 10_000_000))
          .refine(
            (limits) => Object.keys(limits).every((tool) => tool === '*' || !tool.includes('*')),
            'must name each tool in full, or have * alone, which stands for each tool that is not named: no patterns',
          )
          .default({})
          .meta({
            description:
              'Maximum number of calls per minute that one caller may make to a tool, by tool name. `*` stands for each tool that is not named.',
          }),
      })
      .prefault({})
      .meta({ description: 'Limits for this server.' }),
    breaker: z
      .strictObject({
        failures: whole(0, 1000).default(5).meta({
          description:
            'Number of consecutive failures to reach the server after which requests are refused at once. 0: never.',
        }),
        restSeconds: seconds.default(10).meta({
          description: 'Time after which a request tries the server again.',
        }),
      })
      .prefault({})
      .meta({ description: 'How to treat a server with `url` while it is down.' }),
    connectSeconds: seconds.default(5).meta({ description: 'Timeout for connecting to the server.' }),
    responseSeconds: seconds.default(120).meta({
      description:
        'Timeout for the first sign of an answer from the server. Over stdio, HTTP+SSE and bridges, it is also the longest silence after that; progress, other messages about the request and, for up to an hour, waiting for the client to answer a question all count as signs.',
    }),
  })
  .meta({ description: 'An MCP server behind the gateway.' })
