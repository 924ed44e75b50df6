import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthorizationServer } from '../authorization-server/contract.ts'
import type { Config } from '../config/schema.ts'
import { buildAuthorizationServer } from './authorization-server.ts'
import { adaptBase, type Base } from './base.ts'
import { type BuiltGateway, buildGateway } from './gateway.ts'
import { openLasting } from './lasting.ts'
import { openRetirement } from './retirement.ts'

type Handle = (req: IncomingMessage, res: ServerResponse) => void

/** The gateway and the authorization server of an installation, whose configuration can change while they answer. */
export interface Installation {
  readonly handleGateway: Handle
  readonly handleAuthorizationServer: Handle
  /**
   * Lets another configuration take over for every request that comes from now on, in one step. What runs goes on by the
   * old one. Throws ConfigurationInvalid for one that cannot be used, and then nothing has changed.
   */
  replace(config: Config): Promise<void>
  /** Ends the streams that would otherwise never end. */
  readonly endStreams: () => void
  readonly close: () => Promise<void>
}

interface InstallationOptions {
  /** What of it is wanted; a handler of the rest answers nothing. */
  readonly gateway: boolean
  readonly authorizationServer: boolean
  /** Where the gateway finds the authorization server: known by the first request. */
  readonly authorizationServerUrl: () => string
  /** How long requests for a server that is gone may take to finish. */
  readonly drainMilliseconds: number
}

/** Builds both for a configuration. Throws what an operator can mend. */
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
    milliseconds: options.drainMilliseconds,
    isShared: base.place !== undefined,
    onFault: base.onFault,
  })

  const build = async (config: Config, before: Built | undefined): Promise<Built> => {
    const adapted = adaptBase(base, config)
    const server =
      hasOwn && options.authorizationServer ? await buildAuthorizationServer(config, adapted) : undefined
    try {
      const gateway = lasting && (await buildGateway(config, adapted, { lasting, before: before?.gateway }))
      return { server, gateway }
    } catch (error) {
      server?.stop()
      throw error
    }
  }

  let ending = false
  let current = await build(first, undefined).catch(async (error: unknown) => {
    await lasting?.close()
    throw error
  })

  return {
    handleGateway: (req, res) => current.gateway?.gateway.handle(req, res),
    handleAuthorizationServer: (req, res) => current.server?.handle(req, res),
    async replace(config) {
      const old = current
      const next = await build(config, old)
      current = next
      old.server?.stop()
      if (old.gateway !== undefined && next.gateway !== undefined) retirement.take(old.gateway, next.gateway)
      if (ending) next.gateway?.gateway.endStreams()
    },
    endStreams() {
      ending = true
      retirement.endStreams()
      current.gateway?.gateway.endStreams()
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

interface Built {
  readonly server: AuthorizationServer | undefined
  readonly gateway: BuiltGateway | undefined
}
