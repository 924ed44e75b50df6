import { ConfigurationInvalid, writePath } from '../config/problems.ts'
import type { Config, TenantConfig } from '../config/schema.ts'
import { configOfTenant, tenantPath } from '../config/tenant.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import { siteOf } from '../core/site.ts'
import { pickTenant } from '../http/pick-tenant.ts'
import type { TenantTraffic } from '../telemetry/traffic.ts'
import { type Base, type BaseOptions, openBase } from './base.ts'
import { type House, keepHouse } from './house.ts'
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
  readonly all: readonly OpenTenant[]
  /** Puts what answers for them in front of what answers for the installation itself. */
  handleGateway(own: Handle): Handle
  handleAuthorizationServer(own: Handle): Handle
  /** Does everything for another configuration that can fail. The tenants and where they are must be the same. */
  prepare(config: Config): Promise<Change>
  /** Sweeps their stores, and makes the links for their first users. */
  keepHouses(hasLogin: boolean): Promise<void>
  /** Notes with what configurations they go on. */
  note(): Promise<void>
  /** What each of them has seen. */
  watch(): TenantTraffic[]
  running(): RunningTenant[]
  readonly endStreams: () => void
  /** Ends what was built, before what it stands on. */
  readonly close: () => Promise<void>
}

interface Tenant extends OpenTenant {
  readonly hasHost: boolean
  readonly installation: Installation
  house: House | undefined
  prepare(config: Config): Promise<Change>
}

interface TenantsOptions {
  readonly base: BaseOptions
  readonly installation: InstallationOptions
}

/** Opens all tenants. Throws what an operator can mend, with the tenant that it is about. */
export async function openTenants(config: Config, options: TenantsOptions): Promise<Tenants> {
  const tenants: Tenant[] = []
  const prefix = siteOf(config.publicUrl).path(tenantPath(''))
  const close = async (): Promise<void> => {
    for (const { house } of tenants) house?.stop()
    for (const { installation } of tenants) await installation.close()
    for (const { base } of tenants) await base.close()
  }
  /** One listener serves all of them. */
  const inFront = (own: Handle, handleOf: (installation: Installation) => Handle): Handle => {
    if (tenants.length === 0) return own
    const places = tenants.map(({ name, hasHost, base: { site }, installation }) => {
      return { name, hasHost, site, value: handleOf(installation) }
    })
    const pick = pickTenant(own, places, prefix)
    return (req, res) => pick(req)(req, res)
  }

  try {
    for (const [index, tenant] of config.tenants.entries()) {
      tenants.push(await within(index, () => openTenant(config, tenant, options)))
    }
  } catch (error) {
    await close()
    throw error
  }

  return {
    all: tenants,
    handleGateway: (own) => inFront(own, ({ handleGateway }) => handleGateway),
    handleAuthorizationServer: (own) =>
      inFront(own, ({ handleAuthorizationServer }) => handleAuthorizationServer),
    async prepare(next) {
      const changes: Change[] = []
      try {
        for (const [index, setting] of next.tenants.entries()) {
          const tenant = tenants.find(({ name }) => name === setting.name)
          if (tenant === undefined) throw new Error(`the tenant ${setting.name} was not there at the start`)
          changes.push(await within(index, () => tenant.prepare(configOfTenant(next, setting))))
        }
      } catch (error) {
        for (const change of changes) change.discard()
        throw error
      }
      return {
        take() {
          for (const change of changes) change.take()
        },
        discard() {
          for (const change of changes) change.discard()
        },
      }
    },
    async keepHouses(hasLogin) {
      for (const tenant of tenants) tenant.house = await keepHouse(tenant.config(), tenant.base, hasLogin)
    },
    async note() {
      for (const { base, house, config: now } of tenants) await house?.note(now()).catch(base.onFault)
    },
    watch: () => tenants.map(({ name, base }) => ({ tenant: name, traffic: base.traffic.record() })),
    running: () =>
      tenants.map(({ name, config: now, base, house }) => {
        const { publicUrl } = now()
        return { name, publicUrl, resources: base.resources.all, setUpLink: house?.setUpLink }
      }),
    endStreams() {
      for (const { installation } of tenants) installation.endStreams()
    },
    close,
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
    return {
      name,
      hasHost: host !== undefined,
      config: () => config,
      base,
      installation,
      house: undefined,
      async prepare(next) {
        const change = await installation.prepare(next)
        return {
          take() {
            change.take()
            config = next
            base.log.setLevel(next.log.level)
          },
          discard: () => change.discard(),
        }
      },
    }
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
