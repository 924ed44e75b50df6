import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthorizationServer } from '../authorization-server/contract.ts'
import type { Config } from '../config/schema.ts'
import { buildAuthorizationServer } from './authorization-server.ts'
import { adaptBase, type Base } from './base.ts'
import { type BuiltGateway, type PreparedGateway, prepareGateway } from './gateway.ts'
import { openLasting } from './lasting.ts'
import { drainMilliseconds } from './listener-options.ts'
import { openRetirement } from './retirement.ts'

/** Answers one request. */
export type Handle = (req: IncomingMessage, res: ServerResponse) => void

/**
 * The gateway and the authorization server of an installation, whose configuration can change while they are
 * serving.
 */
export interface Installation {
  readonly handleGateway: Handle
  readonly handleAuthorizationServer: Handle
  /** Does everything for another configuration that can fail. Throws problems that an operator can fix. */
  prepare(config: Config): Promise<Change>
  /** Ends the streams that would otherwise never end. */
  readonly endStreams: () => void
  /**
   * For an installation that gets no new requests: ends its streams. Resolves when nothing of it is running,
   * and at the latest when the time is up that requests for a removed server get.
   */
  finish(): Promise<void>
  readonly close: () => Promise<void>
}

/** A prepared configuration, which can be applied or discarded. Until then nothing has changed. */
export interface Change {
  /** Makes it apply to every new request, in one step. Running requests finish with the old one. */
  apply(): void
  discard(): void
}

/** Which parts of an installation this process has. */
export interface InstallationOptions {
  /** Which parts are wanted; everything else is 404. */
  readonly gateway: boolean
  readonly authorizationServer: boolean
  /** Where the gateway finds the authorization server; known by the time of the first request. */
  readonly authorizationServerUrl: () => string
}

/** Builds both for a configuration. Throws problems that an operator can fix. */
export async function openInstallation(
  first: Config,
  base: Base,
  options: InstallationOptions,
): Promise<Installation> {
  const hasOwn = first.authorizationServer === 'own'
  const lasting = options.gateway
    ? await openLasting(base, hasOwn ? options.authorizationServerUrl : undefined)
    : undefined
  const retirement = openRetirement({
    milliseconds: drainMilliseconds,
    isShared: base.place !== undefined,
    onFault: base.onFault,
  })

  const prepare = async (config: Config, before: Built | undefined): Promise<Prepared> => {
    const adapted = adaptBase(base, config)
    const server =
      hasOwn && options.authorizationServer ? await buildAuthorizationServer(config, adapted) : undefined
    try {
      const gateway = lasting && (await prepareGateway(config, adapted, { lasting, before: before?.gateway }))
      return { server, gateway }
    } catch (error) {
      server?.stop()
      throw error
    }
  }

  let ending = false
  let current = await prepare(first, undefined).then(build, async (error: unknown) => {
    await lasting?.close()
    throw error
  })

  return {
    handleGateway: (req, res) => (current.gateway?.gateway ?? nothing).handle(req, res),
    handleAuthorizationServer: (req, res) => (current.server ?? nothing).handle(req, res),
    async prepare(config) {
      const prepared = await prepare(config, current)
      return {
        apply() {
          const old = current
          current = build(prepared)
          old.server?.stop()
          if (old.gateway !== undefined && current.gateway !== undefined)
            retirement.retire(old.gateway, current.gateway)
          if (ending) current.gateway?.gateway.endStreams()
        },
        discard() {
          prepared.server?.stop()
          prepared.gateway?.discard()
        },
      }
    },
    endStreams() {
      ending = true
      retirement.endStreams()
      current.gateway?.gateway.endStreams()
    },
    async finish() {
      ending = true
      const late = new Promise<void>((resolve) => setTimeout(resolve, drainMilliseconds).unref())
      const { gateway } = current
      const left = Promise.all([retirement.finish(), gateway?.gateway.leave(() => true)])
      // What other processes' gateways have running here is not counted in this one.
      const isCounted = gateway !== undefined && base.place === undefined
      await (isCounted ? Promise.race([left, late]) : late)
    },
    async close() {
      await retirement.close()
      const { server, gateway } = current
      server?.stop()
      gateway?.gateway.stop()
      for (const { upstream } of gateway?.upstreams ?? []) upstream.credential.close?.()
      await Promise.all((gateway?.upstreams ?? []).map(({ upstream }) => upstream.connector.close()))
      await lasting?.close()
    },
  }
}

/** Answers for a part that this process does not have. */
const nothing: { readonly handle: Handle } = { handle: (_, res) => void res.writeHead(404).end() }

interface Prepared {
  readonly server: AuthorizationServer | undefined
  readonly gateway: PreparedGateway | undefined
}

function build({ server, gateway }: Prepared): Built {
  return { server, gateway: gateway?.build() }
}

interface Built {
  readonly server: AuthorizationServer | undefined
  readonly gateway: BuiltGateway | undefined
}
