import { z } from 'zod'
import { accessTokenSeconds, domain, whole } from './values.ts'

const lifetimeProfile = z
  .strictObject({
    redirectHost: domain('claude.ai').meta({
      description: 'The host that all redirect URIs of the client point to.',
    }),
    accessTokenSeconds: accessTokenSeconds.meta({ description: 'Lifetime of its access tokens.' }),
  })
  .meta({ description: 'Clients whose access tokens live longer or shorter than those of other clients.' })

/** The setting `tokens`. */
export const tokensSchema = z
  .strictObject({
    signingAlgorithm: z.enum(['ES256', 'RS256', 'EdDSA']).default('ES256').meta({
      description:
        'Algorithm that tokens are signed with. Many libraries that check ID tokens expect `RS256` unless they are told otherwise.',
    }),
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
  .prefault({})
