import { createRequire } from 'node:module'

/** Missing in the types of Node. */
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (program: Uint8Array) => object
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
  }
}

/**
 * What llhttp reports while it reads. Each method returns one of `answers`; strings and bytes refer to the
 * current chunk.
 */
export interface Listener {
  begin(): number
  takeName(name: string): number
  takeValue(value: string): number
  completeHead(status: number, upgrade: boolean, keepsAlive: boolean): number
  takeBody(bytes: Buffer): number
  complete(): number
}

/** How llhttp goes on. `noBody` answers a head that is not followed by a body, whatever it says. */
export const answers = { goOn: 0, noBody: 1, stop: 21, fail: -1 } as const

/** The interface of llhttp's WebAssembly, as far as it is needed. Pointers are numbers. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly malloc: (bytes: number) => number
  readonly llhttp_alloc: (type: number) => number
  readonly llhttp_free: (parser: number) => void
  readonly llhttp_execute: (parser: number, data: number, length: number) => number
  readonly llhttp_finish: (parser: number) => number
  readonly llhttp_resume: (parser: number) => void
  readonly llhttp_get_error_pos: (parser: number) => number
  readonly llhttp_get_error_reason: (parser: number) => number
}

const responseType = 2
const windowBytes = 64 * 1024

/**
 * The current listener and the bytes it listens to: llhttp reads synchronously, for one connection at a time.
 */
let listener: Listener | undefined
let piece: Buffer = Buffer.alloc(0)

const current = (): Listener => listener as Listener
const text = (at: number, length: number): string =>
  piece.toString('latin1', at - windowAt, at - windowAt + length)

/** llhttp is Node's own parser; undici ships a build of it. */
const program = createRequire(import.meta.url)('undici/lib/llhttp/llhttp-wasm.js') as Uint8Array
const llhttp = new WebAssembly.Instance(new WebAssembly.Module(program), {
  env: {
    wasm_on_url: () => answers.goOn,
    wasm_on_status: () => answers.goOn,
    wasm_on_message_begin: () => current().begin(),
    wasm_on_header_field: (_: number, at: number, length: number) => current().takeName(text(at, length)),
    wasm_on_header_value: (_: number, at: number, length: number) => current().takeValue(text(at, length)),
    wasm_on_headers_complete: (_: number, status: number, upgrade: number, keepsAlive: number) =>
      current().completeHead(status, upgrade === 1, keepsAlive === 1),
    wasm_on_body: (_: number, at: number, length: number) =>
      current().takeBody(piece.subarray(at - windowAt, at - windowAt + length)),
    wasm_on_message_complete: () => current().complete(),
  },
}).exports as Exports
const windowAt = llhttp.malloc(windowBytes)
let memory = new Uint8Array(llhttp.memory.buffer)

/** Reads the responses on one connection, strictly. Its state is outside the heap until it is freed. */
export class Llhttp {
  readonly #state = llhttp.llhttp_alloc(responseType)

  /**
   * Reports to `by` what untrusted bytes mean. Returns what is left of them if `by` stopped the parser.
   * Throws an Error that says what is wrong.
   */
  read(bytes: Buffer, by: Listener): Buffer | undefined {
    // At least once: after a stop there can be something to report without another byte.
    let from = 0
    do {
      piece = bytes.length <= windowBytes ? bytes : bytes.subarray(from, from + windowBytes)
      if (memory.buffer !== llhttp.memory.buffer) memory = new Uint8Array(llhttp.memory.buffer)
      memory.set(piece, windowAt)
      if (this.#listen(by, piece.length) === answers.stop)
        return bytes.subarray(from + llhttp.llhttp_get_error_pos(this.#state) - windowAt)
      from += windowBytes
    } while (from < bytes.length)
    return undefined
  }

  /** Reads on after a stop. */
  resume(): void {
    llhttp.llhttp_resume(this.#state)
  }

  /** Nothing more will arrive. Throws if something was missing. */
  finish(by: Listener): void {
    this.#listen(by, undefined)
  }

  free(): void {
    llhttp.llhttp_free(this.#state)
  }

  #listen(by: Listener, length: number | undefined): number {
    listener = by
    try {
      const state = this.#state
      const code =
        length === undefined ? llhttp.llhttp_finish(state) : llhttp.llhttp_execute(state, windowAt, length)
      if (code !== answers.goOn && code !== answers.stop) throw new Error(this.#reason())
      return code
    } finally {
      listener = undefined
    }
  }

  #reason(): string {
    const bytes = Buffer.from(llhttp.memory.buffer, llhttp.llhttp_get_error_reason(this.#state))
    return bytes.toString('latin1', 0, bytes.indexOf(0))
  }
}
