import type { Config } from '../config/schema.ts'
import { configOfTenant } from '../config/tenant.ts'
import { wrongOperand } from './operand-wrong.ts'

/** The configuration of the tenant that a flag names, or of the installation itself. Throws OperandWrong. */
export function configFor(config: Config, name: string | undefined): Config {
  if (name === undefined) return config
  const tenant = config.tenants.find((one) => one.name === name)
  if (tenant !== undefined) return configOfTenant(config, tenant)
  const names = config.tenants.map((one) => one.name).join(', ')
  const has = names === '' ? 'has no tenants: name its file with -c' : `has no tenant "${name}", but ${names}`
  throw wrongOperand('--tenant', `the configuration ${has}`)
}
