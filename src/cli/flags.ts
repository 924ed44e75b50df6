import { type Command, InvalidArgumentError, Option } from 'commander'
import { fileVariable } from '../config/environment.ts'

/** The flags of every command that starts something. */
export interface CommonFlags {
  readonly port?: number
  readonly publicUrl?: string
  readonly data?: string
  readonly logLevel?: string
  readonly json?: boolean
}

/** Adds the common flags to a command. */
export function addCommonFlags(command: Command): Command {
  return addStoreFlags(command)
    .addOption(
      new Option('--log-level <level>', 'lowest severity to log').choices([
        'debug',
        'info',
        'warn',
        'error',
        'silent',
      ]),
    )
    .option('--json', 'log for programs, one JSON object per line')
}

/** Adds the flags that select an installation. */
export function addStoreFlags(command: Command): Command {
  return command
    .option('--port <number>', 'port of the gateway (default: 3002)', parsePort)
    .option('--public-url <url>', 'URL at which clients reach the gateway')
    .option('--data <folder>', 'folder of the store and the secret (default: ./.portcullis)')
}

/** Adds the flag that names the configuration file. */
export function addConfigFlag(command: Command): Command {
  return command.option('-c, --config <file>', `YAML file (or the variable ${fileVariable})`)
}

/** Adds the flag that selects a tenant. */
export function addTenantFlag(command: Command): Command {
  return command.option(
    '--tenant <name>',
    'a tenant of the configuration, instead of the installation itself',
  )
}

/** Converts flags to settings. Flags that were not given are absent. */
export function flagSettings({ port, publicUrl, data, logLevel, json }: CommonFlags): object {
  return {
    ...(port === undefined ? {} : { listen: { gateway: port } }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(data === undefined ? {} : { data }),
    ...(logLevel === undefined && json === undefined
      ? {}
      : { log: { ...(logLevel && { level: logLevel }), ...(json && { format: 'json' }) } }),
  }
}

/** Parses a port number. Throws InvalidArgumentError. */
function parsePort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('a port is a whole number from 0 to 65535')
  return port
}

/** Parses a number of workers. Throws InvalidArgumentError. */
export function parseWorkers(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('give a whole number, 1 or more')
  return count
}
