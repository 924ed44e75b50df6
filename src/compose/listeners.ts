import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { CertificatePair } from '../config/reading/examine-pair.ts'
import type { Config } from '../config/schema.ts'
import { drain, listen, originAt } from '../http/listen.ts'
import { inOriginForm } from '../http/origin-form.ts'
import { reportResponseFaults } from '../http/response-faults.ts'
import { reportUnreadable, type Unreadable } from '../http/unreadable.ts'
import type { Log } from '../telemetry/log.ts'
import { buildAdmin, type WatchedWorkers } from './admin.ts'
import type { Base } from './base.ts'
import { adminUrl, dashboardLink } from './dashboard/link.ts'
import type { Installation } from './installation.ts'
import { drainMilliseconds, httpOptions, lastCallMilliseconds } from './listener-options.ts'
import type { Tenants } from './tenants.ts'
import { renewCertificate, tlsOptions } from './tls.ts'

/**
 * The parts of a process. Gateway and authorization server can run separately; every serving process has an
 * admin port.
 */
export type Part = 'gateway' | 'authorization-server' | 'admin'

/** What a process has opened so far, and where its parts listen. */
export interface Opened {
  readonly urls: Readonly<Partial<Record<Part, string>>>
  /** Registers a function that closes something that was opened. */
  closeBy(close: () => Promise<void> | void): void
  /** Lets a part listen. Resolves to its URL. Throws errors that an operator can fix. */
  listen(part: Part, server: Server | TlsServer, address: Address): Promise<string>
  /** Closes everything, in reverse order. */
  close(): Promise<void>
}

interface Address {
  readonly host: string
  readonly port: number
  /** The setting that chooses the host. */
  readonly hostFix: string
  /** At the end, how long idle connections may still bring a request. Default: 0. */
  readonly lastCallMs?: number
}

/** Starts with nothing opened. What Node refuses by itself, and the errors of responses, are in the log. */
export function createOpened({ log, onFault }: Pick<Base, 'log' | 'onFault'>): Opened {
  const urls: Partial<Record<Part, string>> = {}
  const closers: (() => Promise<void> | void)[] = []
  const closeBy: Opened['closeBy'] = (close) => void closers.push(close)
  return {
    urls,
    closeBy,
    async listen(part, server, address) {
      reportResponseFaults(server, onFault)
      reportUnreadable(server, (unreadable) => logUnreadable(log, part, unreadable))
      const url = await listenAt(part, server, address)
      urls[part] = url
      closeBy(() => drain(server, drainMilliseconds, address.lastCallMs))
      return url
    },
    async close() {
      for (const close of closers.toReversed()) await close()
    },
  }
}

function logUnreadable(log: Log, part: Part, unreadable: Unreadable): void {
  const { address = 'somebody who has left', reason } = unreadable
  log.logger.info({ part, ...unreadable }, `${part}: what ${address} sent is refused: ${reason}`)
}

async function listenAt(part: Part, server: Server | TlsServer, address: Address): Promise<string> {
  const setting = part === 'authorization-server' ? 'authorizationServer' : part
  const variable = `PORTCULLIS_LISTEN_${part.replace('-', '_').toUpperCase()}`
  const fix = part === 'gateway' ? '--port or listen.gateway' : `listen.${setting} (${variable})`
  const port = await listen(server, { name: part, ...address, fix })
  return originAt(server instanceof TlsServer ? 'https' : 'http', address.host, port)
}

/** What a listener needs. */
interface ListenerPorts {
  readonly opened: Opened
  readonly base: Base
  /** The current configuration. */
  readonly config: () => Config
  readonly installation: Installation
  readonly tenants: Tenants
}

interface AdminListenerOptions {
  readonly workers: WatchedWorkers | undefined
  /** Throws with the reason while this process is starting or ending. */
  readonly checkServing: () => void
}

/** The listening admin port. */
interface AdminListener {
  /** Its URL for users on the same machine. */
  readonly url: string
  /** Creates a link that opens the dashboard once, for the person who starts the process. A bearer secret. */
  readonly createDashboardLink: () => Promise<string>
}

/** Opens the admin port. Throws errors that an operator can fix. */
export async function openAdminListener(
  { opened, base, config, tenants }: ListenerPorts,
  { workers, checkServing }: AdminListenerOptions,
): Promise<AdminListener> {
  const { internalHost, adminHost, admin: port } = config().listen
  const admin = buildAdmin(base, { config, tenants, workers, checkServing })
  const bound = await opened.listen('admin', createServer(httpOptions(config()), admin.handle), {
    host: adminHost ?? internalHost,
    port,
    hostFix: adminHost === undefined ? 'listen.internalHost' : 'listen.adminHost',
  })
  opened.closeBy(admin.endStreams)
  const url = adminUrl(config().listen, Number(new URL(bound).port))
  return {
    url,
    createDashboardLink: async () => dashboardLink(url, undefined, await admin.createLinkToken('start')),
  }
}

/** Opens the listener of the authorization server. Throws errors that an operator can fix. */
export async function openAuthorizationServerListener({
  opened,
  config,
  installation,
  tenants,
}: ListenerPorts): Promise<void> {
  const { internalHost, authorizationServer: port } = config().listen
  const handle = inOriginForm(tenants.handleAuthorizationServer(installation.handleAuthorizationServer))
  await opened.listen('authorization-server', createServer(httpOptions(config()), handle), {
    host: internalHost,
    port,
    hostFix: 'listen.internalHost',
  })
}

/** A certificate that is in use. */
export interface RunningCertificate {
  readonly file: string
  /** When the certificate with which the gateway started expires. Milliseconds since the Unix epoch. */
  readonly validUntil: number
}

/** The listening gateway. */
interface GatewayListener {
  /** The certificate of the gateway, if it has its own. */
  readonly certificate: RunningCertificate | undefined
  /** Checks at once whether the certificate files have changed. */
  readonly renew: () => Promise<void>
}

/**
 * Opens the public listener, over TLS if there is a certificate and key. Throws errors that an operator can
 * fix.
 */
export async function openGatewayListener(
  { opened, base, config, installation, tenants }: ListenerPorts,
  pair: CertificatePair | undefined,
): Promise<GatewayListener> {
  const { host, gateway: port, tls: files } = config().listen
  const address = { host, port, hostFix: 'listen.host', lastCallMs: lastCallMilliseconds(config()) }
  const http = httpOptions(config())
  const handle = inOriginForm(tenants.handleGateway(installation.handleGateway))
  let listener: GatewayListener = { certificate: undefined, renew: async () => undefined }
  if (pair === undefined || files === undefined) {
    await opened.listen('gateway', createServer(http, handle), address)
  } else {
    const server = createTlsServer({ ...http, ...tlsOptions(pair, config()) }, handle)
    await opened.listen('gateway', server, address)
    const keeper = renewCertificate(server, pair, { files, config, base })
    opened.closeBy(keeper.stop)
    listener = {
      certificate: { file: files.certificate, validUntil: pair.validUntil },
      renew: keeper.reload,
    }
  }
  opened.closeBy(installation.endStreams)
  opened.closeBy(tenants.endStreams)
  return listener
}
