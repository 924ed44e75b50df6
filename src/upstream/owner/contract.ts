import type { Connector, UpstreamRequest } from '../contract.ts'

/**
 * If several processes serve one address, leads each request through a connector in the one process that
 * holds its caller's conversations. `way` names the connector, the same in all of them. `ownerOf` says what
 * must stay together; by default everything of one principal.
 */
export type AtOwner = (
  way: string,
  connector: Connector,
  ownerOf?: (request: UpstreamRequest) => string,
) => Connector

/** For an installation with only one process. */
export const atHome: AtOwner = (_way, connector) => connector
