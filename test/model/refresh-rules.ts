import { lifetimes } from './configuration.ts'
import type { Grant } from './state.ts'

/** Whether a refresh token that was used before still leads to its successor. */
export function isWithinWindow(grant: Grant, serial: number): boolean {
  const use = grant.uses[serial]
  return use !== undefined && Date.now() - use.at < lifetimes.refreshWindowSeconds * 1000
}

/** What makes two refreshes with one token the same. */
export function requestOf(scopes: readonly string[], resource: string): string {
  return JSON.stringify([scopes.toSorted(), resource])
}
