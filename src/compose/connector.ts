import type { UpstreamConfig } from '../config/schema.ts'
import { personIn } from '../gateway/sealed/owner.ts'
import { scrub } from '../telemetry/scrub.ts'
import { breaker, type CircuitState } from '../upstream/breaker.ts'
import type { Connector } from '../upstream/contract.ts'
import { openHttp } from '../upstream/open-http.ts'
import { openStdio } from '../upstream/open-stdio.ts'
import { atHome } from '../upstream/owner/contract.ts'
import { secretValues, serverEnvironment } from '../upstream/stdio/environment.ts'
import { version } from '../version.ts'
import type { Base } from './base.ts'
import type { Owners } from './owners.ts'
import { shareOf } from './share-limits.ts'
import { storedSuccessors } from './successors.ts'

const defaultProcesses = 64
const defaultProcessesPerCaller = 8

/** What an answer to the probe means. */
const says: Readonly<Record<string, string>> = { native: 'yes', sse: 'yes, over HTTP+SSE', no: 'no' }

/** What it means that requests to a server are refused for a while. */
const unanswered: Readonly<Record<Exclude<CircuitState, 'closed'>, string>> = {
  open: 'the server cannot be reached and gets a rest',
  'open for one': 'the server leaves unanswered what one person asks: only they are refused for a while',
}

/**
 * Builds the connector for one MCP server. `owners` distributes conversations over workers, if there are any.
 */
export function buildConnector(
  config: UpstreamConfig,
  { log, clock, place, store }: Base,
  owners: Owners | undefined,
): Connector {
  const { name, url, command, environment, withheld, idleSeconds, memoryMegabytes } = config
  const { processes = defaultProcesses, processesPerCaller = defaultProcessesPerCaller } = config
  // One process for all callers has one owner, who may use the whole limit.
  const total = config.principals === 'shared' ? processes : shareOf(processes, place)
  const settings = {
    ...config,
    limits: { total, perOwner: Math.min(processesPerCaller, total), idleSeconds },
    self: { name: 'portcullis', version },
    clock,
    atOwner: owners?.at(name) ?? atHome,
    successors: storedSuccessors(store.artifacts, name),
    onVerdict: (era: string, speaks: string) =>
      log.logger.info(
        { upstream: name, era, speaks },
        `${name}: asked for the ${era} era, the server says ${says[speaks]}`,
      ),
  }
  const warn = (what: string): void => log.logger.warn({ upstream: name }, `${name}: ${what}`)
  if (command !== undefined) {
    const seen = serverEnvironment(environment, process.env, withheld)
    const absent = environment.filter((variable) => variable !== '*' && seen[variable] === undefined)
    if (absent.length > 0)
      warn(`environment names ${absent.join(', ')}, not set when Portcullis started: the server goes without`)
    if (memoryMegabytes !== undefined && process.platform !== 'linux')
      warn('memoryMegabytes has no effect except on Linux: its processes may use any amount of memory')
    const secrets = secretValues(environment, seen)
    return openStdio({
      ...settings,
      command,
      memoryMegabytes,
      environment: seen,
      onStderr: (line) => log.logger.info({ upstream: name }, `${name}: ${scrub(line, secrets)}`),
      onExit: (reason) => log.logger.info({ upstream: name }, `${name}: the stdio server ${reason}`),
    })
  }
  if (url !== undefined) {
    const server = openHttp({ ...settings, url })
    if (config.breaker.failures === 0) return server
    const onChange = (state: CircuitState): void =>
      state === 'closed'
        ? log.logger.info({ upstream: name }, `${name}: the server answers again`)
        : warn(unanswered[state])
    return breaker(server, { ...config.breaker, clock, onChange, personOf: personIn })
  }
  throw new Error('an upstream has neither url nor command')
}
