/** A worker could not start, for a reason that an operator can fix. */
export class WorkerFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WorkerFailed'
  }
}
