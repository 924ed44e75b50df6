import { Command } from 'commander'
import { ConfigurationInvalid } from '../config/problems.ts'
import { PortTaken } from '../http/listen.ts'
import { StoreUnusable } from '../storage/migrate.ts'
import { version } from '../version.ts'
import { checkCommand } from './check.ts'
import { demoCommand } from './demo.ts'
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

/** Exit codes: 0 done, 1 a fault, 2 something that the operator can mend. */
try {
  await program.parseAsync()
} catch (error) {
  const mendable =
    error instanceof ConfigurationInvalid || error instanceof PortTaken || error instanceof StoreUnusable
  console.error(mendable ? `portcullis: ${error.message}` : error)
  process.exit(mendable ? 2 : 1)
}
