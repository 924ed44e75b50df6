/** A worker that could not start, for a reason that an operator can mend. */
export class WorkerFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WorkerFailed'
  }
}
