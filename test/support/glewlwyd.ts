import { existsSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { findOrInstall } from './debian.ts'
import { glewlwydVisitor, password, session } from './glewlwyd-visitor.ts'
import { freePort } from './installation.ts'
import { startProgram } from './program.ts'
import { startQueue } from './queue.ts'

const program = '/usr/bin/glewlwyd'
const tables = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3'

/**
 * Glewlwyd, an identity provider that is entirely independent of ours: written in C, with its own database.
 */
export interface Glewlwyd {
  readonly issuer: string
  /** Creates a client with this one redirect URI. */
  addClient(id: string, secret: string, redirectUri: string): Promise<void>
  addUser(name: string, displayName: string): Promise<void>
  /** Revokes what a user has allowed clients to do, as the user does it there. */
  takeBack(user: string): Promise<void>
  /** Does what a user's browser would: signs in, agrees, and is sent to the callback. */
  authorize(url: URL, user: string): Promise<URL>
  close(): Promise<void>
}

/**
 * Starts Glewlwyd, as packaged by Debian: the installed one, or else one that root installs. Throws if it is
 * not available: a test that needs it is never skipped. With SQLite it fails concurrent requests, so each
 * waits for the previous one.
 */
export async function startGlewlwyd(): Promise<Glewlwyd> {
  await install()
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-glewlwyd-'))
  const database = new DatabaseSync(join(folder, 'glewlwyd.db'))
  database.exec(readFileSync(tables, 'utf8'))
  database.close()
  const port = await freePort()
  const queue = await startQueue(port)
  const { url } = queue
  const file = join(folder, 'glewlwyd.conf')
  await writeFile(file, configuration(url, port, folder))
  const running = await startProgram([program, `--config-file=${file}`], {
    name: 'Glewlwyd',
    attempt: () => fetch(`http://127.0.0.1:${port}/api/auth/`),
    signal: 'SIGTERM',
  })

  const administration = session(url)
  const administrator = async (method: string, path: string, body: object): Promise<void> => {
    // A sign-in is valid for ten minutes.
    await administration('POST', '/api/auth/', { username: 'admin', password: 'password' })
    await administration(method, path, body)
  }
  const issuer = `${url}/api/oidc`
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const keys = { key: await exportPKCS8(privateKey), cert: await exportSPKI(publicKey) }
  const parameters = { ...openIdParameters, ...keys, iss: issuer }
  await administrator('POST', '/api/mod/plugin/', {
    module: 'oidc',
    name: 'oidc',
    display_name: '',
    parameters,
  })

  const person = (name: string, displayName: string) => ({
    username: name,
    name: displayName,
    email: `${name}@example.com`,
    scope: ['g_profile', 'openid'],
  })
  return {
    issuer,
    async addClient(id, secret, redirectUri) {
      await administrator('POST', '/api/client/', {
        client_id: id,
        name: id,
        enabled: true,
        confidential: true,
        client_secret: secret,
        redirect_uri: [redirectUri],
        authorization_type: ['code', 'refresh_token'],
        scope: ['openid'],
        token_endpoint_auth_method: ['client_secret_post'],
      })
    },
    async addUser(name, displayName) {
      await administrator('POST', '/api/user/', { ...person(name, displayName), password, enabled: true })
    },
    async takeBack(user) {
      const browser = session(url)
      await browser('POST', '/api/auth/', { username: user, password })
      const tokens = (await (await browser('GET', '/api/oidc/token')).json()) as { token_hash: string }[]
      for (const { token_hash: hash } of tokens)
        await browser('DELETE', `/api/oidc/token/${encodeURIComponent(hash)}`)
    },
    authorize: (target, user) => glewlwydVisitor(issuer, user).visit(target),
    async close() {
      await queue.close()
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const openIdParameters = {
  'jwt-type': 'rsa',
  'jwt-key-size': '256',
  'access-token-duration': 3600,
  'refresh-token-duration': 86_400,
  'code-duration': 600,
  'refresh-token-rolling': true,
  'allow-non-oidc': false,
  'auth-type-code-enabled': true,
  'auth-type-token-enabled': false,
  'auth-type-id-token-enabled': true,
  'auth-type-none-enabled': false,
  'auth-type-password-enabled': false,
  'auth-type-client-enabled': false,
  'auth-type-device-enabled': false,
  'auth-type-refresh-enabled': true,
  'pkce-allowed': true,
  'pkce-method-plain-allowed': false,
  'subject-type': 'public',
  'jwks-show': true,
  'name-claim': 'mandatory',
  'email-claim': 'mandatory',
  scope: [],
  claims: [],
}

function configuration(url: string, port: number, folder: string): string {
  const modules = '/usr/lib/glewlwyd'
  return `
port=${port}
bind_address="127.0.0.1"
external_url="${url}"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="WARNING"
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="${modules}/user"
client_module_path="${modules}/client"
user_auth_scheme_module_path="${modules}/scheme"
plugin_module_path="${modules}/plugin"
hash_algorithm="SHA512"
use_secure_connection=0
database={ type="sqlite3"; path="${join(folder, 'glewlwyd.db')}"; };
`
}

async function install(): Promise<void> {
  const find = (): string | undefined => (existsSync(program) && existsSync(tables) ? program : undefined)
  if ((await findOrInstall(find, 'glewlwyd')) !== undefined) return
  throw new Error('these tests need Glewlwyd: install the package glewlwyd')
}
