import { setImmediate as endOfTurn } from 'node:timers/promises'
import { ConfigurationInvalid, writePath } from '../config/problems.ts'
import type { Config, TenantConfig } from '../config/schema.ts'
import { configOfTenant, tenantPath } from '../config/tenant.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import { siteOf } from '../core/site.ts'
import { pickTenant } from '../http/pick-tenant.ts'
import { type Base, type BaseOptions, openBase } from './base.ts'
import { openDepartures } from './departures.ts'
import { type House, type Housekeeper, keepHouse } from './house.ts'
import {
  type Change,
  type Handle,
  type Installation,
  type InstallationOptions,
  openInstallation,
} from './installation.ts'

/** A running tenant, as shown to an operator. */
export interface RunningTenant {
  readonly name: string
  readonly publicUrl: string
  readonly resources: readonly ProtectedResource[]
  /** Where its first user is created, as long as there is none. A bearer secret. */
  readonly setUpLink: string | undefined
}

/** A tenant in its current state. */
export interface OpenTenant {
  readonly name: string
  readonly config: () => Config
  readonly base: Base
}

/**
 * The tenants of a configuration: each is a separate installation, behind shared listeners. Without any
 * tenants, every method behaves as if tenants did not exist.
 */
export interface Tenants {
  /** The current tenants; a new list once some have been added or removed. */
  readonly all: readonly OpenTenant[]
  /** Puts the tenants' handlers in front of the installation's own. */
  handleGateway(own: Handle): Handle
  handleAuthorizationServer(own: Handle): Handle
  /** Does everything for another configuration that can fail. A tenant that remains must keep its address. */
  prepare(config: Config): Promise<Change>
  /**
   * Sweeps their stores, and creates the links for their first users. From then on this process does so for
   * all of them.
   */
  keepHouses(housekeeper: Housekeeper): Promise<void>
  /** Records the configurations that they now use, and does for added ones what `keepHouses` did. */
  note(): Promise<void>
  readonly running: () => RunningTenant[]
  readonly endStreams: () => void
  /** Closes what was built before closing what it depends on. */
  readonly close: () => Promise<void>
}

interface Tenant extends OpenTenant {
  readonly hasHost: boolean
  readonly installation: Installation
  house: House | undefined
  prepare(config: Config): Promise<Change>
  readonly close: () => Promise<void>
}

interface TenantsOptions {
  readonly base: BaseOptions
  readonly installation: InstallationOptions
  readonly onFault: (error: unknown) => void
}

/** Opens all tenants. Throws problems that an operator can fix, naming the tenant. */
export async function openTenants(first: Config, options: TenantsOptions): Promise<Tenants> {
  const { onFault } = options
  const prefix = siteOf(first.publicUrl).path(tenantPath(''))
  const departures = openDepartures(onFault)
  const listeners = new Set<() => void>()
  let tenants: readonly Tenant[] = []
  /** Set if this process keeps house. */
  let keeper: Housekeeper | undefined

  /** Puts the tenants before the installation's own handler: one listener serves all of them. */
  const inFront = (own: Handle, handleOf: (installation: Installation) => Handle): Handle => {
    const choose = () => {
      const places = tenants.map(({ name, hasHost, base: { site }, installation }) => {
        return { name, hasHost, site, value: handleOf(installation) }
      })
      return pickTenant(own, places, prefix)
    }
    let pick = choose()
    listeners.add(() => {
      pick = choose()
    })
    return (req, res) => pick(req)(req, res)
  }

  /** Serves these tenants from now on. Lets those finish that are no longer among them. */
  const switchTo = (others: readonly Tenant[]): void => {
    const gone = tenants.filter((tenant) => !others.includes(tenant))
    tenants = others
    for (const look of listeners) look()
    for (const tenant of gone) {
      tenant.house?.stop()
      departures.add(tenant)
    }
  }

  const prepare = async (next: Config): Promise<Change> => {
    const all: Tenant[] = []
    const opened: Tenant[] = []
    const changes: Change[] = []
    const discard = async (): Promise<void> => {
      for (const change of changes) change.discard()
      for (const tenant of opened) await tenant.close()
    }
    try {
      for (const [index, setting] of next.tenants.entries()) {
        await endOfTurn() // so that requests go on while hundreds of tenants are prepared
        const known = tenants.find(({ name }) => name === setting.name)
        if (known === undefined) {
          // A tenant that comes back waits until nobody else uses its data.
          await departures.over(setting.name)
          const tenant = await within(index, () => openTenant(next, setting, options))
          opened.push(tenant)
          all.push(tenant)
        } else {
          changes.push(await within(index, () => known.prepare(configOfTenant(next, setting))))
          all.push(known)
        }
      }
    } catch (error) {
      await discard()
      throw error
    }
    return {
      apply() {
        for (const change of changes) change.apply()
        if (opened.length > 0 || all.length < tenants.length) switchTo(all)
      },
      discard: () => void discard().catch(onFault),
    }
  }

  const note = async (): Promise<void> => {
    if (keeper === undefined) return
    for (const tenant of tenants) {
      const config = tenant.config()
      if (tenant.house === undefined) tenant.house = await keepHouse(config, tenant.base, keeper)
      else await tenant.house.note(config).catch(onFault)
    }
  }

  const change = await prepare(first)
  change.apply()

  return {
    get all() {
      return tenants
    },
    handleGateway: (own) => inFront(own, ({ handleGateway }) => handleGateway),
    handleAuthorizationServer: (own) =>
      inFront(own, ({ handleAuthorizationServer }) => handleAuthorizationServer),
    prepare,
    async keepHouses(housekeeper) {
      keeper = housekeeper
      await note()
    },
    note: () => note().catch(onFault),
    running: () =>
      tenants.map(({ name, config, base, house }) => {
        const { publicUrl } = config()
        return { name, publicUrl, resources: base.resources.all, setUpLink: house?.setUpLink }
      }),
    endStreams() {
      for (const { installation } of tenants) installation.endStreams()
    },
    async close() {
      await departures.close()
      for (const tenant of tenants) await tenant.close()
    },
  }
}

async function openTenant(whole: Config, setting: TenantConfig, options: TenantsOptions): Promise<Tenant> {
  const { name, host } = setting
  let config = configOfTenant(whole, setting)
  const { place } = options.base
  const base = await openBase(config, {
    ...options.base,
    log: options.base.log?.forTenant(name),
    // Workers distribute the conversations of each tenant in a separate folder.
    place: place && { ...place, folder: `${place.folder}/${name}` },
  })
  try {
    const installation = await openInstallation(config, base, options.installation)
    const tenant: Tenant = {
      name,
      hasHost: host !== undefined,
      config: () => config,
      base,
      installation,
      house: undefined,
      async close() {
        tenant.house?.stop()
        await installation.close()
        await base.close()
      },
      async prepare(next) {
        const change = await installation.prepare(next)
        return {
          apply() {
            change.apply()
            config = next
            base.log.setLevel(next.log.level)
          },
          discard: () => change.discard(),
        }
      },
    }
    return tenant
  } catch (error) {
    await base.close()
    throw error
  }
}

/** Rewrites the paths in a tenant's configuration problems to paths in the whole configuration. */
async function within<T>(index: number, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ConfigurationInvalid)) throw error
    const problems = error.problems.map(({ path, ...rest }) => ({
      ...rest,
      path: `${writePath(['tenants', index])}.${path}`,
    }))
    throw new ConfigurationInvalid(problems)
  }
}
