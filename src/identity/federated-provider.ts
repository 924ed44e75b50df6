import type { AdmissionRules } from './admission-rules.ts'
import type { LoginProvider } from './provider-contract.ts'
import type { ClaimNames } from './provider-facts.ts'

/** A provider with the operator's rules for its users. */
export interface FederatedProvider {
  readonly provider: LoginProvider
  /** Where it says what is needed. */
  readonly claims: ClaimNames
  readonly rules: AdmissionRules
  readonly times: ConfirmationTimes
}

/** When a provider is asked whether it still vouches for a user, in seconds. */
interface ConfirmationTimes {
  /** How long its yes is valid. */
  readonly recheckSeconds: number
  /** How much longer refreshes continue while it does not answer. */
  readonly outageSeconds: number
  /** How long a login is valid if the provider gave nothing to ask it with. */
  readonly unconfirmedSeconds: number
}
