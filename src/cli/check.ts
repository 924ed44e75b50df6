import { Command } from 'commander'
import { fileVariable } from '../config/environment.ts'
import { loadConfig } from '../config/load.ts'
import { isLoopbackHost } from '../core/resource.ts'
import { OperandWrong } from './operand-wrong.ts'

/** `portcullis check`: every problem of a configuration at once. */
export function checkCommand(): Command {
  return new Command('check')
    .description('Tell every problem of a configuration at once.')
    .option('-c, --config <file>', `YAML file (or the variable ${fileVariable})`)
    .action(({ config = process.env[fileVariable] }: { config?: string }) => {
      if (config === undefined) {
        throw new OperandWrong([
          { path: '--config', message: 'name the file, such as: portcullis check -c portcullis.yaml' },
        ])
      }
      const { publicUrl, mode, upstreams, listen } = loadConfig({
        file: config,
        environment: process.env,
        needsServer: true,
      })
      const { hostname, port } = new URL(publicUrl)
      if (isLoopbackHost(hostname) && port !== String(listen.gateway))
        console.error(
          `portcullis: publicUrl is ${publicUrl}, but the gateway listens at port ${listen.gateway}: right only with a proxy between them`,
        )
      const servers = upstreams.length === 1 ? 'one MCP server' : `${upstreams.length} MCP servers`
      console.log(`${config} is right: ${mode} mode, ${servers} behind ${publicUrl}`)
    })
}
