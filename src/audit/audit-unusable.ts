/** An audit that cannot be opened or read, with the cause and the fix for the operator. */
export class AuditUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AuditUnusable'
  }
}
