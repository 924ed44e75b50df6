import { Command, InvalidArgumentError } from 'commander'
import { mintDevelopmentToken } from '../authorization-server/development-token.ts'
import { loadConfig } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import { longestTokenSeconds } from '../core/lifetimes.ts'
import { parseScopes } from '../core/scope.ts'
import { allLeafScopes, isKnownScope } from '../core/scope-catalogue.ts'
import { openKeyRing } from '../keys/key-ring.ts'
import { addStoreFlags, type CommonFlags, flagSettings } from './flags.ts'
import { withStoreOf } from './with-store.ts'

interface TokenFlags extends CommonFlags {
  readonly scope: string
  readonly user: string
  readonly path: string
  readonly seconds: number
}

const defaultSeconds = 3600

/** `portcullis token`: an access token without a browser, for development on this computer. */
export function tokenCommand(): Command {
  return addStoreFlags(new Command('token'))
    .description('Print an access token for development. Works for loopback installations only.')
    .option('--scope <scopes>', 'scopes, separated by spaces', parseScopeList, allLeafScopes.join(' '))
    .option('--user <name>', 'who the token is for', 'dev_user_123')
    .option('--path <path>', 'path of the MCP server', '/mcp')
    .option('--seconds <number>', 'lifetime', parseSeconds, defaultSeconds)
    .action(async ({ scope, user, path, seconds: lifetimeSeconds, ...flags }: TokenFlags) => {
      const base = { mode: 'development' } as const
      const config = loadConfig({ base, environment: process.env, flags: flagSettings(flags) })
      await withStoreOf(config, async ({ store }) => {
        const keys = await openKeyRing({
          store: store.keys,
          purpose: 'authorization-server',
          algorithm: config.tokens.signingAlgorithm,
          clock: systemClock,
        })
        const issuer = config.publicUrl
        console.log(
          await mintDevelopmentToken(keys, systemClock, {
            issuer,
            resource: issuer + path,
            user,
            scope,
            lifetimeSeconds,
          }),
        )
      })
    })
}

function parseScopeList(text: string): string {
  const scopes = parseScopes(text)
  if (scopes.length === 0) throw new InvalidArgumentError('name at least one scope')
  const wrong = scopes.find((scope) => !isKnownScope(scope))
  if (wrong !== undefined) throw new InvalidArgumentError(`${wrong} is no scope of MCP`)
  return scopes.join(' ')
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= longestTokenSeconds) return seconds
  throw new InvalidArgumentError(`a lifetime is a whole number of seconds, at most ${longestTokenSeconds}`)
}
