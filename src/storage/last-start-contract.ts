/** What an installation was started with. */
export interface LastStart {
  readonly publicUrl: string
  /** The URLs of its MCP servers. */
  readonly resources: readonly string[]
  /** Their names, in the same order; undefined where an older version wrote it. */
  readonly names?: readonly string[]
  /** Who may log in: `login.users`. */
  readonly users: string
  /** Where the admin port listened; undefined where an older version wrote it. */
  readonly adminUrl?: string | undefined
  /** `tokens.signingAlgorithm`; undefined where an older version wrote it. */
  readonly signingAlgorithm?: string
}

/** The last start, for commands that are told nothing but where the store is. */
export interface LastStartStore {
  write(facts: LastStart): Promise<void>
  /** Undefined before the first start. */
  read(): Promise<LastStart | undefined>
}
