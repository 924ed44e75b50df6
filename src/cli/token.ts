import { resolve } from 'node:path'
import { Command } from 'commander'
import { mintDevelopmentToken } from '../authorization-server/development-token.ts'
import { loadConfig } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import { allLeafScopes } from '../core/scope-catalogue.ts'
import { openKeyRing } from '../keys/key-ring.ts'
import { loadMasterSecret } from '../keys/master-secret.ts'
import { openStore } from '../storage/open.ts'
import { addStoreFlags, type CommonFlags, flagSettings } from './flags.ts'

interface TokenFlags extends CommonFlags {
  readonly scope: string
  readonly user: string
  readonly path: string
  readonly seconds: string
}

/** `portcullis token`: an access token without a browser, for development on this computer. */
export function tokenCommand(): Command {
  return addStoreFlags(new Command('token'))
    .description('Print an access token for development. Works for loopback installations only.')
    .option('--scope <scopes>', 'scopes, separated by spaces', allLeafScopes.join(' '))
    .option('--user <name>', 'who the token is for', 'dev_user_123')
    .option('--path <path>', 'path of the MCP server', '/mcp')
    .option('--seconds <number>', 'lifetime', '3600')
    .action(async ({ scope, user, path, seconds, ...flags }: TokenFlags) => {
      const base = { mode: 'development' } as const
      const config = loadConfig({ base, environment: process.env, flags: flagSettings(flags) })
      const folder = resolve(config.data)
      const secret = loadMasterSecret(config.secret, folder)
      const store = await openStore({ folder, secret, clock: systemClock })
      try {
        const keys = await openKeyRing({
          store: store.keys,
          purpose: 'authorization-server',
          algorithm: config.tokens.signingAlgorithm,
          clock: systemClock,
        })
        const issuer = config.publicUrl
        const lifetimeSeconds = Number(seconds)
        console.log(
          await mintDevelopmentToken(keys, systemClock, { issuer, resource: issuer + path, user, scope, lifetimeSeconds }),
        )
      } finally {
        await store.close()
      }
    })
}
