const isWindows = process.platform === 'win32'
/** What ends any process. */
const ending = ['SIGINT', 'SIGTERM'] as const
/**
 * What ends an installation in order. Windows sends no SIGTERM, but SIGBREAK on Ctrl-Break, and SIGHUP when the
 * console is closed, ten seconds before it ends the process itself.
 */
const closing = isWindows ? ([...ending, 'SIGBREAK', 'SIGHUP'] as const) : ending

/** The signal itself ends the process after its `exit` event; the first one of a container ends with a code. */
const endAtOnce = (signal: NodeJS.Signals, number: number): void => {
  process.once('exit', () => process.kill(process.pid, signal))
  process.exit(128 + number)
}

/**
 * Lets SIGINT and SIGTERM end a process that is the first of a container, as they end any other: the first
 * process gets no signal that it does not listen for, and would continue until it is killed.
 */
export function endOnSignal(): void {
  if (process.pid === 1) exitOnSignal()
}

/** Lets them end a process by way of its `exit` event, at which it removes what it would leave behind. */
export function exitOnSignal(): void {
  for (const signal of ending) process.off(signal, endAtOnce).once(signal, endAtOnce)
}

/**
 * Closes everything on Ctrl-C or SIGTERM, or what Windows sends in its place, and waits until that is done. A
 * second signal ends the process immediately. The promise resolves when everything is closed.
 */
export async function closeOnSignal(close: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of closing) process.off(signal, endAtOnce).once(signal, () => resolve())
  })
  for (const signal of closing) process.once(signal, () => process.exit(130))
  console.error('\nportcullis: finishing running requests (interrupt again to stop at once)')
  await close()
}

/** What a signal asks for, as soon as there is something that can do it. */
interface Asked {
  /** Says how it is done: now, if somebody has asked already, and each time that somebody asks. */
  readonly by: (act: () => Promise<void>) => void
}

interface Operator {
  readonly reload: Asked
  readonly replace: Asked
}

let operator: Operator | undefined

/**
 * Takes SIGHUP for a wish to reload, and SIGUSR2 for one to replace the workers, from the first call on: they would
 * end a process while it starts, and a worker. On Windows SIGHUP still ends it.
 */
export function listenToOperator(): Operator {
  operator ??= { reload: isWindows ? { by: () => undefined } : on('SIGHUP'), replace: on('SIGUSR2') }
  return operator
}

function on(signal: NodeJS.Signals): Asked {
  const { promise, resolve: by } = Promise.withResolvers<() => Promise<void>>()
  process.on(signal, () => void promise.then((act) => act()))
  return { by }
}
