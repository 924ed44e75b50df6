import { isIP } from 'node:net'
import { z } from 'zod'
import { tlsSchema } from './tls-schema.ts'
import { hostName, port, whole } from './values.ts'

const notAnAddress = 'must be an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them'

/** Where to listen: an address of this machine, or a name that has one. */
const address = z.string().min(1, { error: notAnAddress, abort: true }).refine(isAddress, notAnAddress)

/**
 * Whether a text is an address or a host name. With an empty text, Node would listen on every address of the
 * machine, and so it would with `0`, one of the numbers that resolvers read as addresses.
 */
function isAddress(text: string): boolean {
  return (
    isIP(text) !== 0 ||
    (/^[\w.-]+$/.test(text) && URL.parse(`http://${text}`)?.hostname === text.toLowerCase())
  )
}

/** The setting `listen`. */
export const listenSchema = z
  .strictObject({
    host: address
      .default('127.0.0.1')
      .meta({ description: 'Address that the gateway, the only public listener, listens on.' }),
    gateway: port.default(3002).meta({ description: 'Port of the gateway.' }),
    tls: tlsSchema,
    internalHost: address
      .default('127.0.0.1')
      .meta({ description: 'Address that all other listeners listen on.' }),
    authorizationServer: port
      .default(3003)
      .meta({ description: 'Port of the authorization server. 0: any free port.' }),
    demo: port.default(3004).meta({ description: 'Port of the demo MCP server. 0: any free port.' }),
    admin: port.default(3005).meta({
      description: 'Port of the admin listener: health, metrics and dashboard. 0: any free port.',
    }),
    adminHost: address.optional().meta({
      description:
        'Address that the admin listener listens on, if probes or Prometheus connect from elsewhere. Default: `listen.internalHost`.',
    }),
    metricsToken: z
      .string()
      .regex(
        /^[\w.~+/-]{32,512}=*$/,
        'must have at least 32 characters, all of which a bearer token may have',
      )
      .optional()
      .meta({
        description:
          'The bearer token that Prometheus must present for `/metrics`. Best set through its environment variable, or as the name of another one: `$NAME`. Default: no token is needed, so anyone who can reach the port can read the metrics.',
      }),
    noticeSeconds: whole(0, 300).optional().meta({
      description:
        'On shutdown, how long `/readyz` answers 503 before anything closes, so that load balancers notice. Default: 3 in production mode, otherwise 0.',
    }),
    adminNames: z.array(hostName).default([]).meta({
      description:
        'Host names at which the admin listener is reached, such as `portcullis`. IP addresses need not be listed.',
    }),
  })
  .prefault({})
