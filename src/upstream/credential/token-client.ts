import { Refusal } from '../../core/errors.ts'
import { isBearerToken } from '../../core/header-field.ts'
import { type JsonObject, parseJsonObject } from '../../core/json-object.ts'
import { readWhole } from '../../http/read-answer.ts'
import { sharedLookup } from '../../http/share-lookups.ts'
import { Pool } from '../../http/undici.ts'
import type { Secret } from './secret.ts'

/** An access token from a token server. */
export interface GivenToken {
  readonly token: string
  readonly lifetimeSeconds: number
}

/** The gateway as a client of a token server. */
export interface TokenClient {
  /** Requests a token; undefined parameters are omitted. Rejects with `upstream_credential_unavailable`. */
  request(parameters: Readonly<Record<string, string | undefined>>): Promise<GivenToken>
  close(): void
}

/** Where a token server is, and the client that the gateway is there. */
export interface TokenClientOptions {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: Secret
  /** For a whole request: connection, answer, body. */
  readonly seconds: number
}

const maxConnections = 16
const maxBytes = 64 * 1024
const unknownLifetimeSeconds = 300

/**
 * The only parts of an answer that the reason may repeat, since it goes to the log, where nothing else from
 * the token server belongs.
 */
const errorCodes: ReadonlySet<unknown> = new Set(
  `invalid_request invalid_client invalid_grant unauthorized_client unsupported_grant_type invalid_scope
   invalid_target access_denied server_error temporarily_unavailable`.split(/\s+/),
)

/**
 * Builds a client of a token endpoint that authenticates with its secret (RFC 6749 sections 2.3.1 and 3.2).
 * It follows no redirects, since the secret is only for this address. Answers are untrusted, and no reason
 * repeats their contents.
 */
export function tokenClient({ tokenUrl, clientId, clientSecret, seconds }: TokenClientOptions): TokenClient {
  const { origin, pathname, search } = new URL(tokenUrl)
  const connect = { timeout: seconds * 1000, lookup: sharedLookup }
  const pool = new Pool(origin, { connections: maxConnections, connect })

  const post = async (body: string, signal: AbortSignal): Promise<GivenToken> => {
    const answer = await pool.request({
      method: 'POST',
      path: pathname + search,
      headers: {
        authorization: basic(clientId, clientSecret.current),
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body,
      signal,
    })
    return readToken(answer.statusCode, await readObject(answer.body))
  }
  return {
    async request(parameters) {
      const given = Object.entries(parameters).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      )
      const signal = AbortSignal.timeout(seconds * 1000)
      try {
        return await post(new URLSearchParams(given).toString(), signal)
      } catch (error) {
        if (error instanceof Refusal) throw error
        throw unavailable(signal.aborted ? 'did not answer in time' : `cannot be reached: ${codeOf(error)}`)
      }
    },
    close() {
      clientSecret.close?.()
      void pool.destroy().catch(() => {})
    },
  }
}

/** Id and secret are form-encoded before they are joined (RFC 6749 section 2.3.1). */
function basic(id: string, secret: string): string {
  const [user, password] = [id, secret].map((text) => new URLSearchParams({ '': text }).toString().slice(1))
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** Undefined for anything but a JSON object. Throws if it is too long. */
async function readObject(body: AsyncIterable<Buffer>): Promise<JsonObject | undefined> {
  const whole = await readWhole(body, maxBytes)
  if (whole === undefined) throw unavailable('gave too long an answer')
  return parseJsonObject(whole.toString())
}

function readToken(status: number, answer: JsonObject | undefined): GivenToken {
  const code = answer?.['error']
  if (status !== 200) throw unavailable(`answered ${status}${errorCodes.has(code) ? ` ${String(code)}` : ''}`)
  const token = answer?.['access_token']
  if (typeof token !== 'string' || !isBearerToken(token)) throw unavailable('gave no access token')
  if (String(answer?.['token_type']).toLowerCase() !== 'bearer')
    throw unavailable('gave a token that is not of the type Bearer')
  // Some servers send the number as a string; it is only recommended (RFC 6749 section 5.1), so it may be
  // missing.
  const lifetime = Number(answer?.['expires_in'] ?? unknownLifetimeSeconds)
  if (!(lifetime > 0)) throw unavailable('gave a token that has expired')
  return { token, lifetimeSeconds: lifetime }
}

function unavailable(what: string): Refusal {
  return new Refusal('upstream_credential_unavailable', { reason: `the token server ${what}` })
}

function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException
  return code ?? name
}
