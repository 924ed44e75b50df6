import { isDeepStrictEqual } from 'node:util'
import type { JWTVerifyGetKey } from 'jose'
import { describeIssuer, type IssuerDescription } from '../config/describe-issuer.ts'
import { ConfigurationInvalid } from '../config/problems.ts'
import type { IssuerConfig } from '../config/schema/issuer-schema.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { reasonOf } from '../core/reason-of.ts'
import type { TrustedIssuer } from '../gateway/token/token-verifier.ts'
import { createOperatorFetch } from '../http/operator-fetch.ts'
import type { CachedMetadata } from '../issuer/cached-metadata.ts'
import { IssuerAway, IssuerInvalid } from '../issuer/discover-issuer.ts'
import { issuerIntrospection } from '../issuer/issuer-introspection.ts'
import { issuerKeys } from '../issuer/issuer-keys.ts'
import { issuerMetadata } from '../issuer/issuer-metadata.ts'
import { describeAbilities, judgeIssuer } from '../issuer/judge-issuer.ts'
import { userAgentOf } from '../version.ts'
import { tokensOf } from './accepted-tokens.ts'
import type { Base } from './base.ts'
import { clientSecret } from './read-secret.ts'

const fetchBounds = { maxBytes: 256 * 1024, milliseconds: 5000, running: 64 }

/** A configured issuer, as the gateway trusts it. */
export interface OpenedIssuer {
  readonly setting: IssuerConfig
  readonly description: IssuerDescription
  readonly trusted: TrustedIssuer
  readonly metadata: CachedMetadata
}

/**
 * Opens the other issuers of a configuration and, if they replace the built-in authorization server, reports
 * in the log what they support for MCP clients. Throws ConfigurationInvalid for one whose metadata cannot be
 * trusted; one that does not answer is reported in the log, and its tokens are refused with 503 until it
 * does. One whose setting has not changed since `before` is reused, with its current keys.
 */
export async function openIssuers(
  config: Config,
  base: Pick<Base, 'clock' | 'log'>,
  before: readonly OpenedIssuer[],
): Promise<readonly OpenedIssuer[]> {
  const opened = config.issuers.map(
    (setting) =>
      before.find((known) => isDeepStrictEqual(known.setting, setting)) ?? open(setting, config, base),
  )
  for (const [index, issuer] of opened.entries()) {
    if (before.includes(issuer)) continue
    const isNeeded = issuer.description.jwksUri === undefined
    if (!isNeeded && config.authorizationServer === 'own') continue
    const told = await describeOpened(issuer)
    if (isNeeded && told.invalid !== undefined)
      throw new ConfigurationInvalid([{ path: `issuers[${index}].issuer`, message: told.invalid }])
    const { logger } = base.log
    for (const line of told.lines) {
      if (line.isGood) logger.info({ issuer: issuer.trusted.issuer }, line.text)
      else logger.warn({ issuer: issuer.trusted.issuer }, line.text)
    }
  }
  return opened
}

/**
 * What the issuers of a configuration support for MCP clients, as lines for people, without starting
 * anything.
 */
export async function describeIssuers(config: Config, base: IssuerBase): Promise<string[]> {
  const lines: string[] = []
  for (const issuer of config.issuers) {
    const told = await describeOpened(open(issuer, config, base))
    lines.push(...told.lines.map(({ text }) => text))
  }
  return lines
}

/** Without a start there is no log. */
type IssuerBase = Pick<Base, 'clock'> & Partial<Pick<Base, 'log'>>

interface Told {
  readonly lines: readonly { readonly text: string; readonly isGood: boolean }[]
  /** Why the metadata cannot be trusted. */
  readonly invalid?: string
}

async function describeOpened({ metadata, trusted, description }: OpenedIssuer): Promise<Told> {
  try {
    const abilities = judgeIssuer((await metadata()).serverMetadata(), description.resource)
    const texts = describeAbilities(trusted.issuer, abilities)
    return { lines: texts.map((text, index) => ({ text, isGood: abilities[index]?.can === true })) }
  } catch (error) {
    if (error instanceof IssuerInvalid)
      return { lines: [{ text: error.message, isGood: false }], invalid: error.message }
    if (!(error instanceof IssuerAway)) throw error
    return { lines: [{ text: reasonOf(error), isGood: false }] }
  }
}

/** The keys of a configured issuer, for other things that it signs. */
export function openIssuerKeys(
  { issuer, jwksUri }: { readonly issuer: string; readonly jwksUri: string | undefined },
  { publicUrl }: Config,
  clock: Clock,
): JWTVerifyGetKey {
  const origins = [issuer, jwksUri].filter((url) => url !== undefined).map((url) => new URL(url).origin)
  const fetch = createOperatorFetch({ origins, userAgent: userAgentOf(publicUrl), ...fetchBounds })
  return issuerKeys(issuerMetadata({ issuer, origins }, { fetch, clock }), jwksUri, { fetch, clock })
}

function open(setting: IssuerConfig, config: Config, { clock, log }: IssuerBase): OpenedIssuer {
  const description = describeIssuer(setting)
  const { issuer = '', jwksUri, introspection, algorithms } = description
  const named = [issuer, jwksUri, introspection?.url].filter((url) => url !== undefined)
  const origins = [...named.map((url) => new URL(url).origin), ...description.origins]
  const fetch = createOperatorFetch({
    origins,
    userAgent: userAgentOf(config.publicUrl),
    ...fetchBounds,
  })
  const metadata = issuerMetadata({ issuer, origins }, { fetch, clock })
  const secret = clientSecret(introspection ?? {}, { issuer }, log)
  return {
    setting,
    description,
    metadata,
    trusted: {
      ...tokensOf(description, config),
      algorithms,
      keys: issuerKeys(metadata, jwksUri, { fetch, clock }),
      introspection: introspection && {
        cacheSeconds: introspection.cacheSeconds,
        ask: issuerIntrospection(
          { ...introspection, issuer, url: introspection.url, clientSecret: secret ?? { current: '' } },
          metadata,
          fetch,
        ),
      },
    },
  }
}
