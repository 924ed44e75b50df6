import { Command } from 'commander'
import { start } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import { ConfigurationInvalid } from '../config/problems.ts'
import type { ConfigInput } from '../config/schema.ts'
import { describeRunning, inspectorHint } from './banner.ts'
import { addCommonFlags, type CommonFlags, flagSettings } from './flags.ts'
import { closeOnSignal } from './stop.ts'

interface RunFlags extends CommonFlags {
  readonly upstream?: string
}

/** `portcullis run`: one server behind the gate, with the login of development mode. */
export function runCommand(): Command {
  return addCommonFlags(new Command('run'))
    .description('Put one MCP server behind the gate: an HTTP URL, or a command that speaks over stdio.')
    .usage('[options] --upstream <url> | run [options] -- <command...>')
    .option('--upstream <url>', 'URL of a server that speaks Streamable HTTP')
    .argument('[command...]', 'a server that speaks over stdio, after --')
    .action(async (command: string[], flags: RunFlags) => {
      const running = await start(
        loadConfig({
          base: settings(command, flags.upstream),
          environment: process.env,
          flags: flagSettings(flags),
        }),
      )
      console.log(describeRunning(running) + inspectorHint(running))
      await closeOnSignal(running.close)
    })
}

function settings(command: readonly string[], url: string | undefined): ConfigInput {
  if ((command.length === 0) === (url === undefined)) {
    const message =
      'give either --upstream URL or -- COMMAND, such as: portcullis run -- npx -y some-mcp-server'
    throw new ConfigurationInvalid([{ path: '--upstream', message }])
  }
  const server = url === undefined ? { command: [...command] } : { url }
  return {
    mode: 'development',
    // Only the gateway's port matters to anybody; the others take what is free.
    listen: { authorizationServer: 0, admin: 0 },
    log: { format: 'text' },
    upstreams: [{ name: 'server', path: '/mcp', ...server }],
  }
}
