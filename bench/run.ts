/**
 * `npm run bench`: one call through Portcullis and through others, interleaved, with one CPU for the gate and the rest
 * for load and server. The figure that counts is CPU per request; ratios in one run compare, absolute figures do not.
 * Options: --seconds N (2), --rounds N (3), --connections N (32), --only name,name
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { writeHaproxyConfig } from './haproxy.ts'
import { serveKeys } from './keys.ts'
import { cpuMicroseconds, machineMicroseconds } from './process-cpu.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    tokens: { type: 'string', default: '200' },
    bytes: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
  },
})

interface Candidate {
  readonly name: string
  readonly port: number
  readonly pid: number
}

interface Sample {
  readonly cpu: number
  readonly rate: number
  readonly p50: number
  readonly p99: number
  readonly errors: number
  readonly outside: number
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
const root = join(import.meta.dirname, '..')
const started: ChildProcess[] = []
const gateCpu = '0'
const loadCpus = cpus().length > 1 ? `1-${cpus().length - 1}` : '0'

try {
  await main()
} finally {
  for (const child of started) child.kill('SIGKILL')
}

async function main(): Promise<void> {
  needs('wrk')
  const upstreamPort = await freePort()
  background(loadCpus, process.execPath, [join(import.meta.dirname, 'upstream.ts'), String(upstreamPort)])
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const issuer = 'https://issuer.bench.example'
  const keys = await serveKeys({ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' })
  const gatePort = await freePort()
  const resource = `http://127.0.0.1:${gatePort}/mcp`
  const tokens = join(folder, 'tokens')
  const lines = Array.from({ length: Number(values.tokens) }, (_, index) =>
    new SignJWT({ client_id: 'bench', scope: 'mcp:tools:execute mcp:tools:read mcp:resources:list' })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
      .setIssuer(issuer)
      .setSubject(`user-${index}`)
      .setAudience(resource)
      .setIssuedAt()
      .setExpirationTime('1h')
      .setJti(String(index))
      .sign(privateKey),
  )
  writeFileSync(tokens, `${(await Promise.all(lines)).join('\n')}\n`)

  const stackEnv = {
    UPSTREAM: `http://127.0.0.1:${upstreamPort}`,
    ISSUER: issuer,
    JWKS: keys.url,
    RESOURCE: resource,
  }
  const candidates: Candidate[] = [{ name: 'direct', port: upstreamPort, pid: 0 }]
  candidates.push(startPortcullis(gatePort, { issuer, jwksUri: keys.url, upstreamPort }))
  for (const name of ['fastify', 'express']) candidates.push(await startStack(name, stackEnv))
  if (existsSync('/usr/sbin/haproxy')) {
    const keyFile = join(folder, 'key.pem')
    writeFileSync(
      keyFile,
      createPublicKey({ key: await exportJWK(publicKey), format: 'jwk' }).export({
        type: 'spki',
        format: 'pem',
      }),
    )
    for (const cached of [false, true])
      candidates.push(await startHaproxy({ cached, keyFile, audience: resource, upstreamPort }))
  } else console.log('HAProxy is not installed, so its rows are missing (apt-get install haproxy)')

  const wanted =
    values.only === '' ? candidates : candidates.filter(({ name }) => values.only.split(',').includes(name))
  const samples = new Map<string, Sample[]>(wanted.map(({ name }) => [name, []]))
  for (const { port, name } of wanted) await untilUp(port, name, tokens)
  for (const candidate of wanted) measure(candidate, tokens, '1')
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const candidate of wanted) {
      process.stderr.write(`\rround ${round} of ${values.rounds}: ${candidate.name.padEnd(24)}`)
      samples.get(candidate.name)?.push(measure(candidate, tokens, values.seconds))
    }
  }
  process.stderr.write(`\r${' '.repeat(60)}\r`)
  report(samples)
  keys.close()
}

function measure({ port, pid }: Candidate, tokens: string, seconds: string): Sample {
  const [cpuBefore, allBefore] = [cpuMicroseconds(pid), machineMicroseconds()]
  const text = 'x'.repeat(Number(values.bytes))
  const call = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'add', arguments: { a: 2, b: 3, text } },
  }
  const output = execFileSync(
    'taskset',
    [
      '-c',
      loadCpus,
      'wrk',
      '-t',
      '1',
      '-c',
      values.connections,
      '-d',
      `${seconds}s`,
      '-s',
      join(import.meta.dirname, 'load.lua'),
      `http://127.0.0.1:${port}`,
    ],
    { env: { ...process.env, TOKENS: tokens, BODY: JSON.stringify(call) }, encoding: 'utf8' },
  )
  const [requests = 0, duration = 1, errors = 0, p50 = 0, p99 = 0] = (/RESULT (.*)/.exec(output)?.[1] ?? '')
    .split(' ')
    .map(Number)
  const cpu = pid === 0 ? 0 : cpuMicroseconds(pid) - cpuBefore
  const outside = (machineMicroseconds() - allBefore - cpu) / duration
  return { cpu: cpu / requests, rate: requests / (duration / 1e6), p50, p99, errors, outside }
}

function report(samples: ReadonlyMap<string, readonly Sample[]>): void {
  const middle = (list: readonly number[]): number =>
    list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
  const own = middle((samples.get('portcullis') ?? []).map(({ cpu }) => cpu))
  console.log(
    `${cpus()[0]?.model ?? ''}, ${cpus().length} CPUs, Node ${process.version}, ${values.rounds} rounds of ${values.seconds} s, ${values.connections} connections, ${values.tokens} tokens, ES256\n`,
  )
  console.log(
    '| gate | CPU µs/request (least to most) | CPU of portcullis is | requests/s | p50 µs | p99 µs | errors |',
  )
  console.log('|---|---|---|---|---|---|---|')
  for (const [name, list] of samples) {
    const cpu = middle(list.map((sample) => sample.cpu))
    const spread = `${Math.min(...list.map((sample) => sample.cpu)).toFixed(1)} to ${Math.max(...list.map((sample) => sample.cpu)).toFixed(1)}`
    const cells = [
      name,
      cpu === 0 ? '' : `${cpu.toFixed(1)} (${spread})`,
      cpu === 0 ? '' : `${(own / cpu).toFixed(2)} of it`,
      middle(list.map(({ rate }) => rate)).toFixed(0),
      middle(list.map(({ p50 }) => p50)),
      middle(list.map(({ p99 }) => p99)),
      list.reduce((sum, { errors }) => sum + errors, 0),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

function startPortcullis(
  port: number,
  { issuer, jwksUri, upstreamPort }: { issuer: string; jwksUri: string; upstreamPort: number },
): Candidate {
  const file = join(folder, 'portcullis.yaml')
  const config = {
    data: join(folder, 'data'),
    listen: { gateway: port, authorizationServer: 0, admin: 0 },
    log: { level: 'warn' },
    issuers: [{ issuer, jwksUri }],
    upstreams: [
      // Pinned: the server of the benchmark knows no questions about what it speaks.
      {
        name: 'bench',
        url: `http://127.0.0.1:${upstreamPort}/mcp`,
        transport: 'streamable-http',
        era: 'legacy',
      },
    ],
  }
  writeFileSync(file, JSON.stringify(config))
  const child = background(gateCpu, process.execPath, [join(root, 'bin/portcullis.js'), 'serve', '-c', file])
  return { name: 'portcullis', port, pid: child.pid as number }
}

async function startStack(name: string, env: Record<string, string>): Promise<Candidate> {
  const stacks = join(import.meta.dirname, 'stacks')
  if (!existsSync(join(stacks, 'node_modules')))
    execFileSync('npm', ['ci'], { cwd: stacks, stdio: 'inherit' })
  const port = await freePort()
  const child = background(gateCpu, process.execPath, [join(stacks, `${name}.js`)], {
    ...env,
    PORT: String(port),
  })
  return { name, port, pid: child.pid as number }
}

async function startHaproxy(options: {
  cached: boolean
  keyFile: string
  audience: string
  upstreamPort: number
}): Promise<Candidate> {
  const name = options.cached ? 'haproxy, jwt cached' : 'haproxy, jwt'
  const port = await freePort()
  const file = join(folder, `${name.replaceAll(/\W+/g, '-')}.cfg`)
  writeHaproxyConfig(file, { ...options, port })
  const child = background(gateCpu, '/usr/sbin/haproxy', ['-f', file])
  return { name, port, pid: child.pid as number }
}

function background(
  cpu: string,
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): ChildProcess {
  const child = spawn('taskset', ['-c', cpu, program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  started.push(child)
  return child
}

async function untilUp(port: number, name: string, tokens: string): Promise<void> {
  const [token] = readFileSync(tokens, 'utf8').split('\n')
  for (let attempt = 0; attempt < 100; attempt++) {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"add"}}',
    }).catch(() => undefined)
    if (response?.status === 200 && (await response.text()).includes('"id":9')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${name} does not answer as it should`)
}

function needs(program: string): void {
  try {
    execFileSync('which', [program])
  } catch {
    throw new Error(`the benchmark needs ${program}: apt-get install ${program}`)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
