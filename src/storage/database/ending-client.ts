import pg from 'pg'

/** How long a server has to close a connection that says that it ends. */
const goodbyeMilliseconds = 1000

/**
 * A connection that ends soon. The driver waits until the server closes it, which one that hangs, or that is behind a
 * network that is down, never does; a process that ends would wait for that.
 */
export class EndingClient extends pg.Client {
  override end(): Promise<void>
  override end(ended: (error: Error) => void): void
  override end(ended?: (error: Error) => void): Promise<void> | void {
    // A connection that is open keeps the process until then; one that never was says no end.
    const timer = setTimeout(() => this.connection.stream.destroy(), goodbyeMilliseconds).unref()
    this.connection.once('end', () => clearTimeout(timer))
    return ended === undefined ? super.end() : super.end(ended)
  }
}
