import type { Artifact } from '../../src/storage/artifact-contract.ts'
import type { StoredClient } from '../../src/storage/client-contract.ts'
import type { Store } from '../../src/storage/contract.ts'
import type { Passkey } from '../../src/storage/passkey-contract.ts'
import type { User } from '../../src/storage/user-contract.ts'

/** Background work, and what is asked in the dashboard or at the command line: it may read a whole table. */
const seldom = 'seldom'

type Calls = {
  readonly [Part in Exclude<keyof Store, 'close'>]: {
    readonly [Method in keyof Store[Part]]: Store[Part][Method] extends (...given: infer Given) => unknown
      ? readonly Given[] | typeof seldom
      : never
  }
}

const artifact: Artifact = {
  model: 'RefreshToken',
  id: 'an id',
  payload: {},
  grantId: 'a grant',
  uid: 'a uid',
  userCode: 'a code',
  accountId: 'ada',
  clientId: 'a client',
  expiresAt: 1,
}
const token = { payload: {}, serial: 0, uses: [] }
const session: Artifact = { ...artifact, model: 'Session' }
const client: StoredClient = {
  id: 'a client',
  source: 'dynamic',
  metadata: {},
  secretHash: undefined,
  createdAt: 1,
  usedAt: undefined,
  expiresAt: 2,
}
const user: User = {
  id: 'a user',
  name: 'Ada',
  displayName: 'Ada',
  passwordHash: undefined,
  createdAt: 1,
  disabledAt: undefined,
  loginsSince: 1,
  provider: undefined,
}
const passkey: Passkey = {
  id: 'a key',
  userId: 'a user',
  name: 'A key',
  publicKey: '',
  counter: 1,
  createdAt: 1,
  usedAt: undefined,
}
const key = { purpose: 'a purpose', kid: 'a key', algorithm: 'ES256', privateJwk: {}, createdAt: 1 }
const question = {
  accountId: 'ada',
  clientId: 'a client',
  redirectHost: 'https://there',
  resource: 'https://here',
  clientDigest: 'a digest',
}
const facts = {
  displayName: 'Ada',
  email: undefined,
  domain: undefined,
  tenant: undefined,
  groups: [],
  roles: [],
}
const login = { user, nameKey: 'ada', issuer: 'an issuer', subject: 'a subject', facts, now: 1 }

const manyGrants = Array.from({ length: 512 }, (_, at) => `grant ${at}`)

/** Whatever can be asked of a store for a request that waits, so that each of its statements runs once. */
const calls: Calls = {
  lastStart: { read: seldom, write: seldom },
  artifacts: {
    put: [[artifact], [session]],
    replaceFleeting: [['an id', session]],
    insertOnce: [[artifact]],
    find: [['RefreshToken', 'an id']],
    findByUid: [['Session', 'a uid']],
    findByUserCode: [['DeviceCode', 'a code']],
    findWithGrant: [['RefreshToken', 'an id']],
    listByAccount: [
      ['Session', 'ada'],
      ['Grant', 'ada', { clientId: 'a client', most: 1 }],
    ],
    listByClient: [['Grant', 'a client']],
    hasOfClient: [['Grant', 'a client']],
    list: seldom,
    count: seldom,
    clientsOf: seldom,
    consume: [
      ['AuthorizationCode', 'an id'],
      ['Interaction', 'an id'],
      ['AuthorizationCode', 'an id', { grantId: 'a grant', token }],
    ],
    holdRefreshToken: [
      ['a grant', token, undefined],
      ['a grant', token, 0],
    ],
    challenge: [['Grant', 'a uid', 1]],
    answerChallenge: [['Grant', 'an id']],
    remove: [
      ['Session', 'an id'],
      ['Interaction', 'an id'],
    ],
    take: [['RefreshToken', 'an id']],
    removeOfAccount: [['Session', 'ada']],
    removeGrants: [[['a grant']], [['one', 'another']], [manyGrants]],
    sweep: seldom,
  },
  clients: {
    find: [['a client']],
    list: seldom,
    register: [[client, undefined]],
    markUsed: [['a client', 1]],
    replaceSecret: [['a client', 'a hash']],
    remove: [['a client']],
    sweep: seldom,
  },
  revocations: {
    add: [[{ kind: 'grant', id: 'a grant', expiresAt: 1 }]],
    addAll: [
      [
        [
          { kind: 'grant', id: 'one', expiresAt: 1 },
          { kind: 'user', id: 'a user', expiresAt: 1 },
        ],
      ],
    ],
    revokedAt: [['client', 'a client']],
    has: [['grant', 'a grant']],
    since: [[1]],
    subscribe: seldom,
    sweep: seldom,
  },
  keys: {
    list: seldom,
    addFirst: [[key]],
    add: [[key, { generation: 1, signsFrom: 1 }]],
    advance: seldom,
    end: seldom,
    sweep: seldom,
  },
  consents: {
    remember: [[question, ['mcp:*'], 1]],
    scopes: [[question]],
    list: [['ada']],
    forget: [['ada'], ['ada', 'a client']],
    forgetClient: seldom,
    sweep: seldom,
  },
  users: {
    add: [[user, 'ada']],
    addFirst: seldom,
    find: [['a user']],
    findByName: [['ada']],
    list: seldom,
    isEmpty: seldom,
    setPassword: [['a user', 'a hash', 1]],
    replacePassword: [['a user', 1, 'a hash', 1]],
    setFirstPassword: [['a user', 'a hash']],
    rehash: [['a user', 'a hash', 'another']],
    setDisabled: [['a user', undefined, 1]],
    remove: [['a user']],
    claimAttempt: [['a user', { now: 1, lock: [1], forgetMs: 1 }]],
    forgetFailures: [['a user', 'a hash']],
  },
  passkeys: {
    add: [[passkey, 1]],
    find: [['a key']],
    list: [['a user']],
    use: [
      ['a key', { counter: 1, usedAt: 1, loginsSince: 1 }],
      ['a key', { counter: 0, usedAt: 1, loginsSince: 1 }],
    ],
    remove: [['a user', 'a key']],
    removeAll: [['a user']],
  },
  identities: {
    enter: [[{ ...login, credential: 'a credential' }]],
    findUser: [['an issuer', 'a subject']],
    findByUser: [['a user']],
    listFacts: seldom,
    claimQuestion: [['a user', 1, 1]],
    confirm: [['a user', { loggedInAt: 1, facts, credential: 'a credential', now: 1 }]],
    refuse: [['a user', { loggedInAt: 1, now: 2 }]],
  },
}

/** Asks a store for everything that requests ask for. */
export async function callEverything(store: Store): Promise<void> {
  for (const [part, methods] of Object.entries(calls)) {
    const callee = store[part as keyof typeof calls] as unknown as Record<
      string,
      (...given: unknown[]) => unknown
    >
    for (const [method, given] of Object.entries(methods)) {
      if (given === seldom) continue
      for (const values of given as readonly (readonly unknown[])[]) await callee[method]?.(...values)
    }
  }
}
