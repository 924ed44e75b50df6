import { Command } from 'commander'
import { version } from '../version.ts'
import { isFixable } from './fixable.ts'
import { refuseRepeated } from './flags.ts'

/** Each command is loaded when it is used: most of what it needs is of no use to the others. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo.ts')).demoCommand(),
  run: async () => (await import('./run.ts')).runCommand(),
  serve: async () => (await import('./serve.ts')).serveCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  explain: async () => (await import('./explain.ts')).explainCommand(),
  token: async () => (await import('./token.ts')).tokenCommand(),
  client: async () => (await import('./client.ts')).clientCommand(),
  user: async () => (await import('./user.ts')).userCommand(),
  key: async () => (await import('./key.ts')).keyCommand(),
  audit: async () => (await import('./audit/audit.ts')).auditCommand(),
  dashboard: async () => (await import('./dashboard.ts')).dashboardCommand(),
  backup: async () => (await import('./backup.ts')).backupCommand(),
  restore: async () => (await import('./backup.ts')).restoreCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
}

const program = new Command('portcullis')
  .description('The gate in front of any MCP server: OAuth 2.1, scopes and step-up with one command.')
  .version(version)
  .showHelpAfterError('(see portcullis --help)')

const [asked = ''] = process.argv.slice(2)
for (const load of toLoad(asked)) program.addCommand(await load())

/** The commands that a first word needs: none for the version, and all to list them or to suggest another word. */
function toLoad(word: string): readonly (() => Promise<Command>)[] {
  if (word === '-V' || word === '--version') return []
  const load = Object.hasOwn(commands, word) ? commands[word] : undefined
  return load === undefined ? Object.values(commands) : [load]
}

/** Exit codes: 0 done, 1 a fault, 2 something that the operator can fix. */
for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  refuseRepeated(command)
}
try {
  await program.parseAsync()
} catch (error) {
  const known = isFixable(error)
  console.error(known ? `portcullis: ${(error as Error).message}` : error)
  process.exit(known ? 2 : 1)
}
