/** What an installation was started with. */
export interface LastStart {
  readonly publicUrl: string
  /** The URLs of its MCP servers. */
  readonly resources: readonly string[]
  /** Their names, in the same order; undefined if written by an older version. */
  readonly names?: readonly string[]
  /** The ids of the clients in its configuration; undefined if written by an older version. */
  readonly clients?: readonly string[]
  /** Who may log in: `login.users`. */
  readonly users: string
  /** Where the admin port listened; undefined if written by an older version. */
  readonly adminUrl?: string | undefined
  /** `tokens.signingAlgorithm`; undefined if written by an older version. */
  readonly signingAlgorithm?: string
}

/** The last start, for commands that are only told where the store is. */
export interface LastStartStore {
  write(facts: LastStart): Promise<void>
  /** Undefined before the first start. */
  read(): Promise<LastStart | undefined>
}
