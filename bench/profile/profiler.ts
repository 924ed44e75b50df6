/** A CPU profile as V8 writes it (Chrome DevTools Protocol, Profiler.Profile). */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[]
}

/** A node of the call tree. */
export interface ProfileNode {
  readonly id: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    /** From 0. */
    readonly lineNumber: number
  }
  readonly children?: readonly number[]
}

/** The profiler of another process. */
export interface Profiler {
  readonly start: () => Promise<void>
  readonly stop: () => Promise<CpuProfile>
}

const samplingMicroseconds = 200

/** Connects to the inspector of a process on loopback. */
export async function openProfiler(port: number): Promise<Profiler> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string
  }[]
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '')
  const { promise: opened, resolve, reject } = Promise.withResolvers<unknown>()
  socket.addEventListener('open', resolve)
  socket.addEventListener('error', () => reject(new Error('the inspector does not answer')))
  await opened

  let calls = 0
  const ask = (method: string, params: object = {}): Promise<unknown> => {
    const id = ++calls
    return new Promise((answer) => {
      const onMessage = ({ data }: MessageEvent): void => {
        const message = JSON.parse(String(data)) as { id?: number; result?: unknown }
        if (message.id !== id) return
        socket.removeEventListener('message', onMessage)
        answer(message.result)
      }
      socket.addEventListener('message', onMessage)
      socket.send(JSON.stringify({ id, method, params }))
    })
  }
  return {
    async start() {
      await ask('Profiler.enable')
      await ask('Profiler.setSamplingInterval', { interval: samplingMicroseconds })
      await ask('Profiler.start')
    },
    async stop() {
      const { profile } = (await ask('Profiler.stop')) as { profile: CpuProfile }
      socket.close()
      return profile
    },
  }
}
