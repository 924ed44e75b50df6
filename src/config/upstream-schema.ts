import { z } from 'zod'
import { filterEntries } from '../core/filter-entries.ts'
import { listingScopes } from '../core/scope-catalogue.ts'
import { credentialSchema } from './credential-schema.ts'
import { httpUrl, scope, whole } from './values.ts'

const seconds = whole(1, 86_400)
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens')

const isMethodName = (text: string): boolean => /^[\w./-]{1,128}$/.test(text)

const patterns = z.array(z.string().min(1).max(500))

/** What of one kind may be used. */
const kindRules = (what: string) =>
  z
    .strictObject({
      allow: patterns
        .default(['*'])
        .meta({ description: `Which ${what} may be used. In a pattern \`*\` is any text.` }),
      deny: patterns.default([]).meta({ description: `Which ${what} may not, whatever else allows them.` }),
    })
    .prefault({})

/** The setting of one MCP server. */
export const upstreamSchema = z
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
    credential: credentialSchema.meta({
      description:
        'What the gateway sends to an HTTP server, never the token of the client: a short-lived identity token of its own, nothing, or one of the kinds below (docs/upstream-credentials.md).',
    }),
    principals: z.enum(['isolated', 'shared']).default('isolated').meta({
      description:
        'Whether a process of a stdio server serves one caller, or all of them. Only a server of 2026-07-28, which keeps nothing between requests, can be `shared`.',
    }),
    processes: whole(1, 10_000).optional().meta({
      description: 'Most processes of a stdio server. Default: 64.',
    }),
    processesPerCaller: whole(1, 10_000).optional().meta({
      description:
        'Most of them for one caller, a user with a client; then the one that was idle for longest makes room. Default: 8.',
    }),
    memoryMegabytes: whole(16, 1_048_576).optional().meta({
      description:
        'Most memory of such a process with its children, beyond which it is stopped. On Linux alone. Default: no limit.',
    }),
    idleSeconds: seconds.default(600).meta({
      description:
        'After this time without a request such a process ends, and so does a session that the gateway itself holds with a server, unless a client holds a stream of it.',
    }),
    baselineScopes: z
      .array(scope)
      .min(1)
      .default([...listingScopes])
      .meta({
        description:
          'Scopes that a client is told to ask for at first. More are asked for when they are needed.',
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
        'What lists show of what may be used: all of it; the same, where each entry that needs more scopes than the token has names them in `_meta["portcullis/missingScopes"]`; or only what the token allows to use now.',
    }),
    separatesTasks: z.boolean().optional().meta({
      description:
        'Whether the server itself keeps the tasks of its callers apart. Only then are tasks listed, and told of unasked. Default: `true` for a stdio server with a process for each caller, else `false`.',
    }),
    mayAsk: z
      .strictObject({
        sampling: z.boolean().default(true).meta({ description: 'To have its model write something.' }),
        elicitation: z.boolean().default(true).meta({ description: 'To ask its user something.' }),
        roots: z.boolean().default(true).meta({ description: 'Which folders it works in.' }),
      })
      .prefault({})
      .meta({
        description:
          'What the server may ask of a client. What it may not is taken out of what clients offer it, and reaches none.',
      }),
    audit: z
      .strictObject({
        arguments: z.enum(['omit', 'hash', 'redact']).default('omit').meta({
          description:
            'What the audit keeps of the arguments of tools and prompts: nothing, a keyed hash, or a copy without what is secret.',
        }),
        redact: z.array(z.string().min(1)).default([]).meta({
          description:
            'With `redact`: names of members, or paths such as `user.email`, that are hidden besides those that look like secrets.',
        }),
      })
      .prefault({}),
    methods: z
      .record(z.string(), z.array(scope))
      .refine((methods) => Object.keys(methods).every(isMethodName), 'each key must be the name of a method')
      .default({})
      .meta({
        description:
          'Scopes that requests of a method need in place of those of MCP, and methods that MCP does not know, which are refused otherwise: `{ "x/search": ["mcp:resources:read"] }`. What begins with `notifications/` is a notification. Scopes of MCP, or of `scopes`.',
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
          'Scopes of entries in the filter of `subscriptions/listen` that MCP does not know, which make a filter senseless otherwise. They guard the asking: what is told of it reaches whoever the server tells.',
      }),
    dpop: z.enum(['optional', 'required', 'off']).default('optional').meta({
      description:
        'Whether access tokens are bound to a key of the client (DPoP): as the client likes, always, or the scheme is not offered.',
    }),
    limits: z
      .strictObject({
        running: whole(1, 100_000).default(1000).meta({
          description: 'Most requests that the server has running at a time, of all callers.',
        }),
        streams: whole(1, 1_000_000).default(10_000).meta({
          description: 'Most streams that are open to it, of all callers.',
        }),
        perMinute: whole(1, 10_000_000).optional().meta({
          description: 'Most requests in a minute, of all callers. Default: no limit.',
        }),
        toolsPerMinute: z.record(z.string().min(1), whole(1, 10_000_000)).default({}).meta({
          description:
            'Most calls that one caller can make of a tool in a minute, by the name of the tool; `*` is each tool that is not named.',
        }),
      })
      .prefault({})
      .meta({ description: 'What this server can bear.' }),
    breaker: z
      .strictObject({
        failures: whole(0, 1000).default(5).meta({
          description:
            'After so many failures to reach the server without a success between them requests are refused at once. 0: never.',
        }),
        restSeconds: seconds.default(10).meta({
          description: 'Time until a request tries the server again.',
        }),
      })
      .prefault({})
      .meta({ description: 'What happens while a server with `url` is down.' }),
    connectSeconds: seconds.default(5).meta({ description: 'Time to connect to the server.' }),
    responseSeconds: seconds.default(120).meta({
      description:
        'Time for the server to give a first sign of its answer. Over stdio, HTTP+SSE and bridges also the longest silence after that: progress and other messages about a request count, and a question to the client.',
    }),
  })
  .meta({ description: 'An MCP server behind the gate.' })
