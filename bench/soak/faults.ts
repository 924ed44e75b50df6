/** How an answer reached the client: a status other than 200, or one of these. */
export type Way = 'answer' | 'cut' | 'error' | 'nonsense' | 'left' | 'nothing' | 'no end' | `${number}`

/**
 * How a server is reached: its bytes are passed on unchanged, messages are exchanged with it over HTTP,
 * HTTP+SSE or stdio, or it is a stdio server that ends again and again.
 */
export type Family = 'bytes' | 'http' | 'sse' | 'stdio' | 'crash'

type Ways = Readonly<Partial<Record<Family, readonly Way[]>>>

/**
 * What a server or a client does wrong, and which answers the client may then see, by family of servers that
 * can do so.
 */
export const faults = {
  /**
   * An error of the server, which is valid MCP and is passed on; without its status if messages are passed
   * on.
   */
  error: { bytes: ['500'], http: ['error'], sse: ['error'], stdio: ['error'] },
  'cut before': { bytes: ['502'], http: ['502'] },
  'cut json': { bytes: ['cut'], http: ['502'] },
  /** Between two events, where the gateway can still end the stream with an error. */
  'cut stream': { bytes: ['error'], http: ['error'] },
  /** A client that gets whole events gets an error instead of the half one; one that gets bytes has it already. */
  'cut event': { bytes: ['error', 'cut'], http: ['502'] },
  hang: { bytes: ['504'], http: ['504'], sse: ['504'], stdio: ['504'] },
  /** Bytes that are not HTTP. */
  garbage: { bytes: ['502'], http: ['502'] },
  html: { bytes: ['502'], http: ['502'] },
  /** The gateway does not parse answers that need no bridge. */
  'broken json': { bytes: ['nonsense'], http: ['502'] },
  slow: { bytes: ['answer'], http: ['answer'], sse: ['answer'], stdio: ['answer'] },
  /** The client leaves while the server takes its time. */
  leave: { bytes: ['left'], http: ['left'], sse: ['left'], stdio: ['left'] },
  /** Something that is not a message precedes the answer. */
  noise: { sse: ['answer'], stdio: ['answer'] },
  /** The process ends: the gateway reports that, and waits before it restarts one that keeps ending. */
  crash: { crash: ['502'] },
} as const satisfies Readonly<Record<string, Ways>>

/** The name of a fault. */
export type Fault = keyof typeof faults

/** The ways in which a fault may be answered. */
export function waysOf(fault: Fault, family: Family): readonly Way[] {
  return (faults[fault] as Ways)[family] ?? []
}

/** The faults of a family. */
export function faultsOf(family: Family): Fault[] {
  return (Object.keys(faults) as Fault[]).filter((fault) => waysOf(fault, family).length > 0)
}
