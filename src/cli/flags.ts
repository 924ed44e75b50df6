import { type Command, Option } from 'commander'
import { fileVariable } from '../config/reading/environment.ts'
import { wrongOperand } from './operand-wrong.ts'
import { parsePort } from './whole-number.ts'

/** The flags that say where an installation is: they need no configuration file. */
export interface PlaceFlags {
  readonly port?: number
  readonly publicUrl?: string
  readonly data?: string
}

/** The flags of every command that starts something. */
export interface StartFlags extends PlaceFlags {
  readonly logLevel?: string
  readonly json?: boolean
}

/** Adds the flags of a command that starts something. */
export function addStartFlags(command: Command): Command {
  return addPlaceFlags(command)
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

/** Adds the flags that say where an installation is. */
export function addPlaceFlags(command: Command): Command {
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

/** What the flags of a place set. Flags that were not given are absent. */
export function placeSettings({ port, publicUrl, data }: PlaceFlags): object {
  return {
    ...(port === undefined ? {} : { listen: { gateway: port } }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(data === undefined ? {} : { data }),
  }
}

/** The same for the flags of a command that starts something. */
export function startSettings({ logLevel, json, ...place }: StartFlags): object {
  return {
    ...placeSettings(place),
    ...(logLevel === undefined && json === undefined
      ? {}
      : { log: { ...(logLevel && { level: logLevel }), ...(json && { format: 'json' }) } }),
  }
}

/** Adds a value of a flag that may be repeated. Its default must be a list. */
export function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, value]
}

/**
 * Refuses a flag with a value that is given more than once, since only the last one would count; flags whose
 * default is a list take all. Parsing then throws OperandWrong.
 */
export function refuseRepeated(command: Command): void {
  const given = new Set<string>()
  for (const option of command.options) {
    if (option.isBoolean() || Array.isArray(option.defaultValue)) continue
    const name = option.name()
    command.on(`option:${name}`, () => {
      if (given.has(name)) throw wrongOperand(`--${name}`, 'is given more than once: give it once')
      given.add(name)
    })
  }
}
