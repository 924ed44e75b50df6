import type { Clock } from '../../core/clock.ts'
import { type ArtifactStore, type FoundArtifact, seenOnceModel } from '../../storage/artifact-contract.ts'
import { errors, Provider } from '../library/library.ts'
import { resumptionMilliseconds } from './resumption.ts'

/** The library's name for pushed authorization requests in the store. */
export const pushedRequestModel = 'PushedAuthorizationRequest'

interface PushedRequestPorts {
  readonly artifacts: ArtifactStore
  readonly clock: Clock
}

/**
 * Finds a pushed authorization request. It stays valid for the decision that has used it up: if that answer
 * was lost, the browser asks again how the request continues.
 */
export async function findPushedRequest(
  { artifacts }: PushedRequestPorts,
  id: string,
): Promise<FoundArtifact | undefined> {
  const found = await artifacts.find(pushedRequestModel, id)
  if (found?.consumedAt === undefined || !(await isOfThisDecision(artifacts, id))) return found
  return { ...found, consumedAt: undefined }
}

/**
 * Uses up a pushed authorization request (RFC 9126 section 7.3), for the decision that continues it, or for a
 * request about which nobody is asked. Of several concurrent calls, one succeeds. Throws InvalidRequestUri
 * for all others.
 */
export async function usePushedRequest({ artifacts, clock }: PushedRequestPorts, id: string): Promise<void> {
  const use = {
    model: seenOnceModel,
    id: useId(id),
    payload: { decision: decisionOfRequest() },
    expiresAt: clock.now() + resumptionMilliseconds,
  }
  const isFirst = (await artifacts.insertOnce(use)) && (await artifacts.consume(pushedRequestModel, id))
  if (!isFirst && !(await isOfThisDecision(artifacts, id)))
    throw new errors.InvalidRequestUri('request_uri was already used')
}

async function isOfThisDecision(artifacts: ArtifactStore, id: string): Promise<boolean> {
  const decision = decisionOfRequest()
  if (decision === undefined) return false
  return (await artifacts.find(seenOnceModel, useId(id)))?.payload['decision'] === decision
}

/** The login or consent page with which the running request continues. */
function decisionOfRequest(): string | undefined {
  return Provider.ctx?.oidc.entities.Interaction?.uid
}

function useId(id: string): string {
  return `pushed-request\0${id}`
}
