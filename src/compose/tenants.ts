import { ConfigurationInvalid, writePath } from '../config/problems.ts'
import type { Config, TenantConfig } from '../config/schema.ts'
import { configOfTenant, tenantPath } from '../config/tenant.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import { siteOf } from '../core/site.ts'
import { pickTenant } from '../http/pick-tenant.ts'
import type { TenantTraffic } from '../telemetry/traffic.ts'
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

/** A tenant that runs, as far as an operator is told. */
export interface RunningTenant {
  readonly name: string
  readonly publicUrl: string
  readonly resources: readonly ProtectedResource[]
  /** Where its first user is made, while there is none. A bearer secret. */
  readonly setUpLink: string | undefined
}

/** A tenant as it is now. */
export interface OpenTenant {
  readonly name: string
  readonly config: () => Config
  readonly base: Base
}

/**
 * The tenants of a configuration: each an installation of its own, behind the listeners of all. Where there are none,
 * whatever is asked of them is what it would be without them.
 */
export interface Tenants {
  /** Those of now: another list once some have come or gone. */
  readonly all: readonly OpenTenant[]
  /** Puts what answers for them in front of what answers for the installation itself. */
  handleGateway(own: Handle): Handle
  handleAuthorizationServer(own: Handle): Handle
  /** Does everything for another configuration that can fail. A tenant that stays must be where it was. */
  prepare(config: Config): Promise<Change>
  /** Sweeps their stores, and makes the links for their first users. From then on this process does so for all. */
  keepHouses(keeper: Housekeeper): Promise<void>
  /** Notes with what configurations they go on, and does what `keepHouses` did for those that have come. */
  note(): Promise<void>
  /** What each of them has seen. */
  watch(): TenantTraffic[]
  readonly running: () => RunningTenant[]
  readonly endStreams: () => void
  /** Ends what was built, before what it stands on. */
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

/** Opens all tenants. Throws what an operator can mend, with the tenant that it is about. */
export async function openTenants(first: Config, options: TenantsOptions): Promise<Tenants> {
  const { onFault } = options
  const prefix = siteOf(first.publicUrl).path(tenantPath(''))
  const departures = openDepartures(onFault)
  const listeners = new Set<() => void>()
  let tenants: readonly Tenant[] = []
  /** Set where this process keeps houses. */
  let keeper: Housekeeper | undefined

  /** One listener serves all of them. */
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

  const become = (others: readonly Tenant[]): void => {
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
        const known = tenants.find(({ name }) => name === setting.name)
        if (known === undefined) {
          // One that comes back finds nobody else on its data.
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
        if (opened.length > 0 || all.length < tenants.length) become(all)
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
    async keepHouses(is) {
      keeper = is
      await note()
    },
    note: () => note().catch(onFault),
    watch: () => tenants.map(({ name, base }) => ({ tenant: name, traffic: base.traffic.record() })),
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
    // Workers share out the conversations of each tenant in a folder of its own.
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

/** Says of a configuration that is wrong, in a tenant, where that is in the whole one. */
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
