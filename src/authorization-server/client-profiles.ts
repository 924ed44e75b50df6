/** What is known about how a client behaves, where that differs from what a good client does. */
export interface ClientProfile {
  readonly client: string
  /** Recognises the client by the name it registered with. A false name gains nothing: the user still decides. */
  readonly matches: RegExp
  /** The client cannot ask for more scopes later, so the user is asked for all of them at the first login. */
  readonly stepUp: false
}

/** Quirks as data: one row a client. */
const profiles: readonly ClientProfile[] = [
  { client: 'mcp-remote', matches: /\bmcp cli proxy\b|\bmcp-remote\b/i, stepUp: false },
  { client: 'Claude Code', matches: /^claude code\b/i, stepUp: false },
]

/** Says whether a client, by its name, can ask for more scopes when it needs them. */
export function canStepUp(clientName: string | undefined): boolean {
  return clientName === undefined || !profiles.some(({ matches }) => matches.test(clientName))
}
