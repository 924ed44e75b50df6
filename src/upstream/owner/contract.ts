import type { Connector, UpstreamRequest } from '../contract.ts'

/**
 * Leads each request through a connector in the one process that holds the conversations of its caller, where several
 * processes serve one address. `way` names the connector, the same in all of them. `ownerOf` says what must stay
 * together: all of one principal's unless said otherwise.
 */
export type AtOwner = (
  way: string,
  connector: Connector,
  ownerOf?: (request: UpstreamRequest) => string,
) => Connector

/** Where one process alone serves. */
export const atHome: AtOwner = (_way, connector) => connector
