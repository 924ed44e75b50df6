import { postgresEngine } from '../support/engines.ts'
import { storeContract } from './contract.ts'

storeContract('PostgreSQL', postgresEngine)
