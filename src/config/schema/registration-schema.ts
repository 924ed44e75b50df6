import { z } from 'zod'
import { domain, whole } from './values.ts'

/** The callbacks of clients that are known to use a private-use scheme: Cursor, Raycast and Warp. */
const knownPrivateUseRedirects = [
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'com.raycast:/oauth',
  'warp://mcp/oauth2callback',
]

/** The setting `registration`. */
export const registrationSchema = z
  .strictObject({
    dynamic: z.enum(['open', 'token', 'off']).default('open').meta({
      description:
        'Whether clients may register themselves (RFC 7591): all clients, those with the initial access token, or none.',
    }),
    initialAccessToken: z.string().min(32, 'must have at least 32 characters').max(512).optional().meta({
      description:
        'The bearer token that a client must present to register if `dynamic` is `token`. Best set through its environment variable, or as the name of another one: `$NAME`.',
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
        allowedHosts: z.array(domain('app.example.com')).optional().meta({
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
  .prefault({})
