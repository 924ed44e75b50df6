import { Command } from 'commander'
import { ConfigurationInvalid } from '../config/problems.ts'
import { Unreachable } from '../doctor/steps/read-challenge.ts'
import { PortForbidden, PortTaken } from '../http/listen.ts'
import { PersonRefused } from '../identity/people.ts'
import { DataFolderUnusable } from '../keys/master-secret.ts'
import { StoreUnusable } from '../storage/store-unusable.ts'
import { version } from '../version.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import { checkCommand } from './check.ts'
import { clientCommand } from './client.ts'
import { demoCommand } from './demo.ts'
import { DoctorMisused, doctorCommand } from './doctor.ts'
import { keyCommand } from './key.ts'
import { OperandWrong } from './operand-wrong.ts'
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
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(doctorCommand())

/** What the operator can mend: told in a line, without a stack. */
const mendable = [
  OperandWrong,
  ConfigurationInvalid,
  PortTaken,
  PortForbidden,
  StoreUnusable,
  DataFolderUnusable,
  PersonRefused,
  DoctorMisused,
  Unreachable,
]

/** Exit codes: 0 done, 1 a fault, 2 something that the operator can mend. */
for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}
try {
  await program.parseAsync()
} catch (error) {
  const known = mendable.some((kind) => error instanceof kind)
  console.error(known ? `portcullis: ${(error as Error).message}` : error)
  process.exit(known ? 2 : 1)
}
