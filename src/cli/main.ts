import { Command } from 'commander'
import { version } from '../version.ts'
import { auditCommand } from './audit.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import { checkCommand } from './check.ts'
import { clientCommand } from './client.ts'
import { dashboardCommand } from './dashboard.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { keyCommand } from './key.ts'
import { isMendable } from './mendable.ts'
import { runCommand } from './run.ts'
import { serveCommand } from './serve.ts'
import { tokenCommand } from './token.ts'
import { userCommand } from './user.ts'

const program = new Command('portcullis')
  .description('The gate in front of any MCP server: OAuth 2.1, scopes and step-up with one command.')
  .version(version)
  .showHelpAfterError('(portcullis --help says more)')
  .addCommand(demoCommand())
  .addCommand(runCommand())
  .addCommand(serveCommand())
  .addCommand(checkCommand())
  .addCommand(tokenCommand())
  .addCommand(clientCommand())
  .addCommand(userCommand())
  .addCommand(keyCommand())
  .addCommand(auditCommand())
  .addCommand(dashboardCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(doctorCommand())

/** Exit codes: 0 done, 1 a fault, 2 something that the operator can mend. */
for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}
try {
  await program.parseAsync()
} catch (error) {
  const known = isMendable(error)
  console.error(known ? `portcullis: ${(error as Error).message}` : error)
  process.exit(known ? 2 : 1)
}
