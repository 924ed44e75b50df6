import { Command } from 'commander'
import { type BlockedClient, blockedClients } from '../authorization-server/registration/blocked-clients.ts'
import { clientSecretHash } from '../authorization-server/registration/client-secret-hash.ts'
import { isDocumentId } from '../authorization-server/registration/document-url.ts'
import { blockClient, removeClient } from '../compose/remove-client.ts'
import { missingSetting } from '../config/checks/check-grants.ts'
import { systemClock } from '../core/clock.ts'
import { ScopeCatalogue } from '../core/scope-catalogue.ts'
import { randomToken, typeableId } from '../core/secret.ts'
import type { StoredClient } from '../storage/client-contract.ts'
import { audited } from './audited.ts'
import {
  type Described,
  describeBlock,
  describeClient,
  describeClients,
  describeConfigured,
  listClients,
} from './client-text.ts'
import { collect } from './flags.ts'
import { type AddFlags, newClientMetadata } from './new-client.ts'
import { wrongOperand } from './operand-wrong.ts'
import { operatorName } from './operator.ts'
import { printable } from './printable.ts'
import { table } from './table.ts'
import { addInstallationFlags, type OpenStore, type StoreFlags, withStore } from './with-store.ts'

/** `portcullis client`: the clients in the store. A running server sees every change immediately. */
export function clientCommand(): Command {
  return new Command('client')
    .description('Manage the clients in the store, even while the server runs.')
    .addCommand(
      subcommand(
        'add',
        'Register a client and print its id, and its secret, which is never shown again.',
        add,
      )
        .requiredOption('--name <name>', 'what users see')
        .option('--redirect-uri <uri>', 'where users are sent back to; may be repeated', collect, [])
        .option(
          '--grant <type>',
          'a grant type, such as authorization_code or client_credentials; may be repeated',
          collect,
          [],
        )
        .option('--scope <scopes>', 'the most it may get, separated by spaces; may be repeated', collect, [])
        .option('--public', 'no secret: for a program that runs on the device of its user')
        .option('--secret', 'a secret, which is printed only once')
        .option('--jwks <file>', 'public keys (JWKS) of a client that authenticates with private_key_jwt')
        .option('--require-dpop', 'allow only tokens that are bound to a key (DPoP)')
        .option('--require-pushed-requests', 'allow only pushed authorization requests (PAR)'),
    )
    .addCommand(subcommand('list', 'List the clients.', list))
    .addCommand(subcommand('show', 'Show what is known about a client.', show).argument('<id>'))
    .addCommand(
      subcommand(
        'rotate-secret',
        'Give a client a new secret. The old one stops working at once.',
        rotate,
      ).argument('<id>'),
    )
    .addCommand(
      subcommand('block', 'End everything a client was granted, and give it no more.', block).argument(
        '<id>',
      ),
    )
    .addCommand(subcommand('unblock', 'Let a client ask for tokens again.', unblock).argument('<id>'))
    .addCommand(
      subcommand('remove', 'Remove a client and end everything it was granted.', remove).argument('<id>'),
    )
    .addCommand(
      subcommand('redirects', 'List the allowed redirect URIs with private-use schemes.', redirects),
    )
}

type Flags = StoreFlags & AddFlags
type Action = (open: OpenStore, flags: Flags, id: string) => Promise<void>

/** A command that opens the store, works, and closes it. `id` is empty if the command has no argument. */
function subcommand(name: string, description: string, action: Action): Command {
  const command = addInstallationFlags(new Command(name))
    .description(description)
    .option('--json', 'print JSON for programs')
  return command.action(async () => {
    const flags = command.opts<Flags>()
    const [id] = command.args
    if (id === '') throw refused('is empty: portcullis client list shows the clients')
    await withStore(flags, (open) => action(open, flags, id ?? ''))
  })
}

async function add(open: OpenStore, flags: Flags): Promise<void> {
  const { store, secret, config, facts } = open
  const id = typeableId(randomToken(16))
  const metadata = newClientMetadata(id, flags, {
    privateUse: config.registration.privateUseRedirects,
    catalogue: new ScopeCatalogue(config.scopes),
  })
  const clientSecret =
    metadata['token_endpoint_auth_method'] === 'client_secret_basic' ? randomToken() : undefined
  const client: StoredClient = {
    id,
    source: 'operator',
    metadata,
    secretHash: clientSecret === undefined ? undefined : clientSecretHash(secret)(id, clientSecret),
    createdAt: systemClock.now(),
    usedAt: undefined,
    expiresAt: undefined,
  }
  const change = { event: 'admin.client', action: 'client add', target: id } as const
  await audited(open, change, () => store.clients.register(client, undefined))
  for (const type of metadata['grant_types'] as readonly string[]) {
    const setting = missingSetting(config.grants, type)
    if (setting !== undefined)
      console.error(`portcullis: the grant ${type} works only with servers that run with ${setting}`)
  }
  tellCredentials(flags, id, clientSecret)
  if (flags.json === true) return
  const { resources, publicUrl } = facts
  const addresses = resources.length > 0 ? resources.join(' or ') : `one of those under ${publicUrl}`
  console.log(`\nGive this to the program, together with the address of an MCP server: ${addresses}`)
}

async function list({ store, config }: OpenStore, { json }: Flags): Promise<void> {
  const clients = await store.clients.list()
  const blocked = await readBlocked(store)
  if (json === true) return console.log(JSON.stringify(describeClients(clients, blocked), undefined, 2))
  if (clients.length > 0 || config.clients.length > 0 || blocked.size > 0)
    return console.log(listClients(clients, config.clients, blocked))
  console.log(
    'There are no clients yet: they register themselves, or you add one with portcullis client add.',
  )
}

async function show(open: OpenStore, { json }: Flags, id: string): Promise<void> {
  const blocked = await readBlocked(open.store)
  const known = await describeKnown(open, id, blocked.has(id))
  const described = { ...known, ...describeBlock(blocked.get(id)) }
  if (json === true) return console.log(JSON.stringify(described, undefined, 2))
  const rows = Object.entries(described).map(([name, value]) => {
    return [name, printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'never'))]
  })
  console.log(table(rows))
}

/** What is known of a client: of one that is blocked perhaps nothing but its id. Throws OperandWrong. */
async function describeKnown(open: OpenStore, id: string, isBlocked: boolean): Promise<Described> {
  const configured = open.config.clients.find((client) => client.id === id)
  if (configured !== undefined) return describeConfigured(configured)
  if (isBlocked && (await open.store.clients.find(id)) === undefined) return { client_id: id }
  return describeClient(await find(open, id))
}

/** The clients that are blocked, by their ids. */
async function readBlocked(store: OpenStore['store']): Promise<ReadonlyMap<string, BlockedClient>> {
  const clients = await blockedClients({ ...store, clock: systemClock }).list()
  return new Map(clients.map((client) => [client.id, client]))
}

async function rotate(open: OpenStore, flags: Flags, id: string): Promise<void> {
  const { store, secret } = open
  const clientSecret = randomToken()
  await find(open, id)
  const change = { event: 'admin.client', action: 'client rotate-secret', target: id } as const
  await audited(open, change, async () => {
    if (!(await store.clients.replaceSecret(id, clientSecretHash(secret)(id, clientSecret))))
      throw refused(`${id} has no secret: it is public, or it authenticates with a key`)
  })
  tellCredentials(flags, id, clientSecret)
}

async function remove(open: OpenStore, { json }: Flags, id: string): Promise<void> {
  await find(open, id)
  const change = { event: 'admin.client', action: 'client remove', target: id } as const
  const ended = await audited(open, change, () => removeClient(open.store, systemClock, id))
  if (json === true) return console.log(JSON.stringify({ client_id: id, grants_ended: ended }))
  console.log(`${id} was removed, and ${ended} ${ended === 1 ? 'grant has' : 'grants have'} ended.`)
}

async function block(open: OpenStore, { json }: Flags, id: string): Promise<void> {
  const change = { event: 'admin.client', action: 'client block', target: id } as const
  const ended = await audited(open, change, async () => {
    const grants = await blockClient(open.store, systemClock, { id, operator: operatorName() })
    if (grants === undefined) throw refused(`${id} is blocked already`)
    return grants
  })
  if (ended === 0 && !(await isKnown(open, id)))
    console.error(
      `portcullis: no client ${id} is known. It is kept out should it come; if the id is wrong, run portcullis client unblock ${id}`,
    )
  if (json === true) return console.log(JSON.stringify({ client_id: id, grants_ended: ended }))
  console.log(`${id} is blocked, and ${ended} ${ended === 1 ? 'grant has' : 'grants have'} ended.`)
}

async function unblock(open: OpenStore, { json }: Flags, id: string): Promise<void> {
  const change = { event: 'admin.client', action: 'client unblock', target: id } as const
  await audited(open, change, async () => {
    if (!(await blockedClients({ ...open.store, clock: systemClock }).remove(id)))
      throw refused(`${id} is not blocked`)
  })
  console.log(json === true ? JSON.stringify({ client_id: id }) : `${id} may ask for tokens again.`)
}

async function redirects({ config }: OpenStore, { json }: Flags): Promise<void> {
  const { privateUseRedirects } = config.registration
  console.log(json === true ? JSON.stringify(privateUseRedirects) : privateUseRedirects.join('\n'))
}

/** The client in the store. Throws OperandWrong if there is none, or if it belongs to the configuration. */
async function find({ store, config }: OpenStore, id: string): Promise<StoredClient> {
  if (config.clients.some((client) => client.id === id))
    throw refused(`${id} is a client of the configuration file: change it there, under clients`)
  const client = await store.clients.find(id)
  if (client === undefined)
    throw refused(`the store has no client ${id}: portcullis client list shows those that it has`)
  return client
}

/**
 * Whether there is such a client, or could be: of a client with a document, only its address is known
 * beforehand.
 */
async function isKnown({ store, config }: OpenStore, id: string): Promise<boolean> {
  return (
    isDocumentId(id) ||
    config.clients.some((client) => client.id === id) ||
    (await store.clients.find(id)) !== undefined
  )
}

function refused(message: string): Error {
  return wrongOperand('id', message)
}

function tellCredentials({ json }: Flags, id: string, clientSecret: string | undefined): void {
  const credentials = {
    client_id: id,
    ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
  }
  if (json === true) return console.log(JSON.stringify(credentials))
  for (const [name, value] of Object.entries(credentials)) console.log(`${name.padEnd(16)}${value}`)
  if (clientSecret !== undefined)
    console.log('\nThe secret is shown only now: the store keeps just a hash of it.')
}
