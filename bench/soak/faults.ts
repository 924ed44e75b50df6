/** How an answer reached the client: a status other than 200, or one of these. */
export type Way = 'answer' | 'cut' | 'error event' | 'nonsense' | 'left' | 'nothing' | 'no end' | `${number}`

/** What a server does wrong, or a client, and how the client may find it answered. */
export const faults = {
  /** An error of the server, which is MCP and goes through. */
  error: ['500'],
  'cut before': ['502'],
  'cut json': ['cut'],
  /** Between two events, where the gate can still end the stream with an error. */
  'cut stream': ['error event'],
  'cut event': ['cut'],
  hang: ['504'],
  /** Bytes that are not HTTP. */
  garbage: ['502'],
  html: ['502'],
  /** The gate does not read answers that need no bridge. */
  'broken json': ['nonsense'],
  slow: ['answer'],
  /** The client goes away while the server takes its time. */
  leave: ['left'],
} as const satisfies Readonly<Record<string, readonly Way[]>>

/** The name of a fault. */
export type Fault = keyof typeof faults

/** The names of all faults. */
export const faultNames = Object.keys(faults) as Fault[]
