import { Command } from 'commander'
import { ConfigurationInvalid } from '../config/problems.ts'
import { PortTaken } from '../http/listen.ts'
import { DataFolderUnusable } from '../keys/master-secret.ts'
import { StoreUnusable } from '../storage/migrate.ts'
import { version } from '../version.ts'
import { checkCommand } from './check.ts'
import { demoCommand } from './demo.ts'
import { keyCommand } from './key.ts'
import { runCommand } from './run.ts'
import { serveCommand } from './serve.ts'
import { tokenCommand } from './token.ts'

const program = new Command('portcullis')
  .description('The gate in front of any MCP server: OAuth 2.1, scopes and step-up with one command.')
  .version(version)
  .showHelpAfterError('(portcullis --help says more)')
  .addCommand(demoCommand())
  .addCommand(runCommand())
  .addCommand(serveCommand())
  .addCommand(checkCommand())
  .addCommand(tokenCommand())
  .addCommand(keyCommand())

/** What the operator can mend: told in a line, without a stack. */
const mendable = [ConfigurationInvalid, PortTaken, StoreUnusable, DataFolderUnusable]

/** Exit codes: 0 done, 1 a fault, 2 something that the operator can mend. */
const subcommands = program.commands.flatMap((command) => [command, ...command.commands])
for (const command of [program, ...subcommands]) {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}
try {
  await program.parseAsync()
} catch (error) {
  const known = mendable.some((kind) => error instanceof kind)
  console.error(known ? `portcullis: ${(error as Error).message}` : error)
  process.exit(known ? 2 : 1)
}
