import { Command, InvalidArgumentError, Option } from 'commander'
import { mintDevelopmentToken } from '../authorization-server/tokens/development-token.ts'
import { systemClock } from '../core/clock.ts'
import { longestTokenSeconds } from '../core/lifetimes.ts'
import { isLocalHost } from '../core/resource.ts'
import { parseScopes } from '../core/scope.ts'
import { mcpScopes, ScopeCatalogue } from '../core/scope-catalogue.ts'
import { openKeyRing } from '../keys/key-ring.ts'
import { audited } from './audited.ts'
import { wrongOperand } from './operand-wrong.ts'
import { wholeNumber } from './whole-number.ts'
import { addInstallationFlags, type OpenStore, type StoreFlags, withStore } from './with-store.ts'

interface TokenFlags extends StoreFlags {
  readonly scope: readonly string[]
  readonly user: string
  readonly path: string
  readonly seconds: number
}

const defaultSeconds = 3600

/** `portcullis token`: an access token without a browser, for development on this computer. */
export function tokenCommand(): Command {
  return addInstallationFlags(new Command('token'))
    .description('Print an access token for development. Works for loopback installations only.')
    .addOption(
      new Option('--scope <scopes>', 'scopes, separated by spaces; may be repeated')
        .argParser(parseScopeList)
        .default(mcpScopes, mcpScopes.join(' ')),
    )
    .option('--user <name>', 'who the token is for', parseUser, 'dev_user_123')
    .option('--path <path>', 'path of the MCP server', '/mcp')
    .option('--seconds <number>', 'lifetime', wholeNumber(1, longestTokenSeconds), defaultSeconds)
    .action(async ({ scope: scopes, user, path, seconds: lifetimeSeconds, ...flags }: TokenFlags) => {
      const base = { mode: 'development' } as const
      const mint = async (open: OpenStore): Promise<void> => {
        const { store, config, facts } = open
        const { publicUrl: issuer, resources } = facts
        if (config.mode !== 'development' || !isLocalHost(new URL(issuer).hostname)) {
          const message = `is ${issuer}: tokens without a sign-in are made only on loopback and in development mode`
          throw wrongOperand('publicUrl', message)
        }
        if (config.authorizationServer === 'external') {
          const message =
            'is external, so no token from here counts: get one from an issuer of the configuration'
          throw wrongOperand('authorizationServer', message)
        }
        const catalogue = new ScopeCatalogue(config.scopes)
        const unknown = scopes.find((one) => !catalogue.knows(one))
        if (unknown !== undefined) {
          const message = `${unknown} is neither an MCP scope nor defined under scopes in the configuration`
          throw wrongOperand('--scope', message)
        }
        const resource = issuer + path
        if (resources.length > 0 && !resources.includes(resource)) {
          const paths = resources.map((known) => known.slice(issuer.length)).join(', ')
          throw wrongOperand('--path', `there is no MCP server at ${path}, only at ${paths}`)
        }
        const keys = await openKeyRing({
          store: store.keys,
          purpose: 'authorization-server',
          algorithm: facts.signingAlgorithm,
          clock: systemClock,
        })
        const change = {
          event: 'admin.token',
          action: 'token',
          target: user,
          scopes,
        } as const
        const token = await audited(open, change, () =>
          mintDevelopmentToken(keys, systemClock, {
            issuer,
            resource,
            user,
            scope: scopes.join(' '),
            lifetimeSeconds,
          }),
        )
        console.log(token)
      }
      await withStore(flags, mint, { base })
    })
}

/** The first one that is given replaces the default. */
function parseScopeList(text: string, earlier: readonly string[]): readonly string[] {
  const scopes = parseScopes(text)
  if (scopes.length === 0) throw new InvalidArgumentError('name at least one scope')
  return earlier === mcpScopes ? scopes : [...new Set([...earlier, ...scopes])]
}

function parseUser(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('the name must not be empty')
  return text
}
