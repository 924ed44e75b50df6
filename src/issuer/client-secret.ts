/** The secret by which an issuer knows us, which may change while the process runs. */
export interface ClientSecret {
  readonly current: string
  /** Looks whether there is another one by now; called before each request that needs it. */
  readonly lookUp?: () => Promise<void>
}
