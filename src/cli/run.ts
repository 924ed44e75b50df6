import { Command } from 'commander'
import { start } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import type { ConfigInput } from '../config/schema.ts'
import { describeRunning, nextHints, tellOfSetUp } from './banner.ts'
import { addStartFlags, type StartFlags, startSettings } from './flags.ts'
import { wrongOperand } from './operand-wrong.ts'
import { closeOnSignal } from './signals.ts'
import { tellUpgrade } from './tell-upgrade.ts'
import { warnOfServer } from './warn-of-server.ts'

interface RunFlags extends StartFlags {
  readonly upstream?: string
}

/** `portcullis run`: one server behind the gateway, with the login of development mode. */
export function runCommand(): Command {
  return addStartFlags(new Command('run'))
    .description('Put one MCP server behind the gate: an HTTP URL, or a command that speaks over stdio.')
    .usage('[options] --upstream <url> | run [options] -- <command...>')
    .option('--upstream <url>', 'URL of a server that speaks HTTP')
    .argument('[command...]', 'a server that speaks over stdio, after --')
    .showHelpAfterError('(put the command of the server after --: portcullis run -- npx -y some-mcp-server)')
    .action(async (command: string[], flags: RunFlags) => {
      const base = settings(command, flags.upstream)
      const config = loadConfig({ base, environment: process.env, flags: startSettings(flags) })
      const running = await start(config, { onUpgrade: tellUpgrade })
      const link = await running.createDashboardLink?.()
      console.log(describeRunning(running, link) + nextHints(running, config, flags))
      tellOfSetUp(running, config)
      for (const server of config.upstreams) await warnOfServer(server)
      await closeOnSignal(running.close)
    })
}

function settings(command: readonly string[], url: string | undefined): ConfigInput {
  if ((command.length === 0) === (url === undefined)) {
    const message =
      'give either --upstream URL or -- COMMAND, such as: portcullis run -- npx -y some-mcp-server'
    throw wrongOperand('--upstream', message)
  }
  const [program = ''] = command
  if (/^https?:\/\//i.test(program)) {
    const message = `a server that speaks HTTP is no command: portcullis run --upstream ${program}`
    throw wrongOperand('--upstream', message)
  }
  const server = url === undefined ? { command: [...command], environment: ['*'] } : { url }
  return {
    mode: 'development',
    // Only the gateway's port matters to anybody; the others take free ones.
    listen: { authorizationServer: 0, admin: 0 },
    log: { format: 'text' },
    upstreams: [{ name: 'server', path: '/mcp', ...server }],
  }
}
