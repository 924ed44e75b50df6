import type { Selectable } from 'kysely'
import { inPieces } from '../pieces.ts'
import type { Schema } from '../schema.ts'
import type { StorePorts } from '../store-ports.ts'
import { type KeptRow, kept } from './artifact-statements.ts'
import { ofAccounts, type Which } from './of-accounts.ts'

type ListPorts = Pick<StorePorts, 'db' | 'engine' | 'tenant'>

/** A part of a list, latest expiry first. */
interface Part extends Which {
  readonly skip: number
  readonly most: number
}

type Place = Pick<Selectable<Schema['artifacts']>, 'id' | 'expires_at'>

/** A part of the unexpired artifacts of accounts, latest expiry first. */
export async function listArtifacts(ports: ListPorts, part: Part): Promise<readonly KeptRow[]> {
  if (ports.engine === 'sqlite') return readPlaces(ports, part, await placesOf(ports, part))
  const rows: KeptRow[] = []
  for await (const some of ofAccounts(ports, part)) {
    const inOrder = some.select(kept).orderBy('expires_at', 'desc').orderBy('id')
    rows.push(...(await inOrder.limit(part.most).offset(part.skip).execute()))
  }
  return rows
}

/** Counts the unexpired artifacts of accounts. */
export async function countArtifacts(ports: ListPorts, which: Which): Promise<number> {
  let total = 0
  for await (const some of ofAccounts(ports, which)) {
    const { count } = await some
      .select((select) => select.fn.countAll().as('count'))
      .executeTakeFirstOrThrow()
    total += Number(count)
  }
  return total
}

/** The clients of the unexpired artifacts of accounts, without duplicates. */
export async function clientsOfArtifacts(ports: ListPorts, which: Which): Promise<readonly string[]> {
  const ids = new Set<string>()
  for await (const some of ofAccounts(ports, which))
    for (const { client_id: id } of await some.select('client_id').distinct().execute())
      if (id !== null) ids.add(id)
  return [...ids]
}

async function placesOf(ports: ListPorts, part: Part): Promise<readonly Place[]> {
  const places: Place[] = []
  for await (const some of ofAccounts(ports, part))
    places.push(...(await some.select(['id', 'expires_at']).execute()))
  return latest(places, part)
}

/** Sorts only what is asked for, since others wait for it. */
function latest(places: readonly Place[], { skip, most }: Part): readonly Place[] {
  const expiries = Float64Array.from(places, expiryOf).toSorted()
  const first = expiries.at(-1 - skip) ?? Number.NEGATIVE_INFINITY
  const last = expiries.at(-skip - most) ?? Number.NEGATIVE_INFINITY
  const sooner = places.filter((place) => expiryOf(place) <= first)
  const later = places.length - sooner.length
  return sooner
    .filter((place) => expiryOf(place) >= last)
    .toSorted((one, other) => expiryOf(other) - expiryOf(one) || (one.id < other.id ? -1 : 1))
    .slice(skip - later, skip - later + most)
}

function expiryOf({ expires_at: expiry }: Place): number {
  return expiry ?? 0
}

async function readPlaces(
  { db, tenant }: ListPorts,
  { model }: Which,
  places: readonly Place[],
): Promise<readonly KeptRow[]> {
  const rows = new Map<string, KeptRow>()
  for (const piece of inPieces(places.map(({ id }) => id))) {
    const found = await db
      .selectFrom('artifacts')
      .select(kept)
      .where('tenant', '=', tenant)
      .where('model', '=', model)
      .where('id', 'in', piece)
      .execute()
    for (const row of found) rows.set(row.id, row)
  }
  return places.flatMap(({ id }) => rows.get(id) ?? [])
}
