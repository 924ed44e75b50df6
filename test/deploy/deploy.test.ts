import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { listSettings } from '../../src/config/settings.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'

const folder = join(import.meta.dirname, '../../deploy')
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')

/** A folder with what the variables of an environment name, and that environment. */
function secrets(names: Readonly<Record<string, string>>): { environment: Record<string, string> } {
  const home = mkdtempSync(join(tmpdir(), 'portcullis-deploy-'))
  const environment: Record<string, string> = {}
  for (const [variable, text] of Object.entries(names)) {
    environment[`${variable}_FILE`] = join(home, variable)
    writeFileSync(join(home, variable), `${text}\n`)
  }
  return { environment }
}
const all = secrets({
  PORTCULLIS_SECRET: 'x'.repeat(64),
  PORTCULLIS_STORE_URL: 'postgres://portcullis:p@postgres:5432/portcullis',
  PORTCULLIS_LIMITS_REDIS: 'redis://:p@redis:6379/0',
})

function load(text: string): Config {
  const file = join(mkdtempSync(join(tmpdir(), 'portcullis-deploy-')), 'portcullis.yaml')
  writeFileSync(file, text)
  return loadConfig({ file, environment: all.environment, needsServer: true })
}

const variables = new Set(listSettings().map(({ variable }) => variable))
const isVariable = (name: string): boolean =>
  variables.has(name) || variables.has(name.replace(/_FILE$/, '')) || name === 'PORTCULLIS_CONFIG'

interface Compose {
  readonly services: Record<
    string,
    {
      readonly environment?: Record<string, string>
      readonly secrets?: string[]
      readonly networks?: string[]
      readonly volumes?: string[]
      readonly read_only?: boolean
      readonly stop_grace_period?: string
    }
  >
  readonly networks: Record<string, { readonly ipam?: { config: { subnet: string }[] } } | null>
  readonly secrets: Record<string, { readonly file: string }>
  readonly volumes: Record<string, unknown>
}

describe('deploy/compose.yaml', () => {
  const compose = parse(read('compose.yaml')) as Compose
  const config = load(read('portcullis.yaml'))
  const { portcullis } = compose.services

  it('sets variables that there are, from secrets that it has, and names what is defined', () => {
    for (const [name, file] of Object.entries(portcullis?.environment ?? {})) {
      assert.ok(isVariable(name), name)
      assert.ok(
        portcullis?.secrets?.some((secret) => file === `/run/secrets/${secret}`),
        file,
      )
    }
    for (const { secrets: needed = [], networks = [], volumes = [] } of Object.values(compose.services)) {
      for (const name of needed) assert.ok(name in compose.secrets, name)
      for (const name of networks) assert.ok(name in compose.networks, name)
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('./')) assert.doesNotThrow(() => read(source), source)
        else assert.ok(source in compose.volumes, source)
      }
    }
  })

  it('gives the container no more than it needs, and time to finish', () => {
    assert.equal(portcullis?.read_only, true)
    assert.ok(Number.parseInt(portcullis?.stop_grace_period ?? '0', 10) > 15)
    assert.equal(Object.values(compose.services).filter((service) => 'ports' in service).length, 2)
  })

  it('agrees with portcullis.yaml and the proxy about addresses', () => {
    const subnet = compose.networks['edge']?.ipam?.config[0]?.subnet
    assert.deepEqual(config.trustedProxies, [subnet])
    assert.ok(portcullis?.networks?.includes('edge') && compose.services['caddy']?.networks?.includes('edge'))
    const { host } = new URL(config.publicUrl)
    assert.match(
      read('proxies/Caddyfile'),
      new RegExp(`^${host} \\{[^]*reverse_proxy portcullis:${config.listen.gateway} `, 'm'),
    )
    const scrape = parse(read('prometheus/prometheus.yml')) as {
      scrape_configs: {
        authorization: { credentials_file: string }
        static_configs: { targets: string[] }[]
      }[]
    }
    const target = scrape.scrape_configs[0]?.static_configs[0]?.targets[0] ?? ''
    assert.equal(target, `${config.listen.adminNames[0]}:${config.listen.admin}`)
    assert.equal(
      scrape.scrape_configs[0]?.authorization.credentials_file,
      portcullis?.environment?.['PORTCULLIS_LISTEN_METRICS_TOKEN_FILE'],
    )
    const upstream = new URL(config.upstreams[0]?.url ?? '')
    assert.ok(upstream.hostname in compose.services)
  })
})

describe('deploy/Dockerfile', () => {
  const text = read('Dockerfile')
  it('copies what there is, runs as nobody in particular, and listens where the configuration says', () => {
    const config = load(read('portcullis.yaml'))
    for (const [, names = ''] of text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const name of names.split(' ')) assert.ok(existsSync(join(folder, '..', name)), name)
    }
    const last = text.slice(text.lastIndexOf('FROM '))
    assert.match(last, /^USER 1000:1000$/m)
    assert.match(last, new RegExp(`^EXPOSE ${config.listen.gateway} ${config.listen.admin}$`, 'm'))
    assert.match(last, new RegExp(`127\\.0\\.0\\.1:${config.listen.admin}/healthz`))
    for (const [, name = ''] of last.matchAll(/\b(PORTCULLIS_\w+)=/g)) assert.ok(isVariable(name), name)
    const ignored = readFileSync(join(folder, '../.dockerignore'), 'utf8')
    for (const [, names = ''] of text.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
      for (const name of names.split(' '))
        assert.match(ignored, new RegExp(`^!${name.replaceAll('.', '\\.')}$`, 'm'))
  })
})

interface Manifest {
  readonly kind: string
  readonly data?: Record<string, string>
  readonly spec: Record<string, never>
}

describe('deploy/kubernetes', () => {
  const documents = parseAllDocuments(read('kubernetes/portcullis.yaml')).map((document) => {
    assert.deepEqual(document.errors, [])
    return document.toJS() as Manifest
  })
  const find = (kind: string): Manifest => documents.find((one) => one.kind === kind) as Manifest
  const config = load(find('ConfigMap').data?.['portcullis.yaml'] ?? '')
  const deployment = find('Deployment').spec as unknown as Deployment
  const pod = deployment.template.spec
  interface Probe {
    readonly httpGet: { readonly path: string; readonly port: string }
    readonly periodSeconds: number
    readonly failureThreshold: number
  }
  interface Pod {
    readonly terminationGracePeriodSeconds: number
    readonly enableServiceLinks?: boolean
    readonly securityContext: { readonly runAsNonRoot: boolean }
    readonly volumes: { readonly name: string }[]
    readonly containers: [
      {
        readonly ports: { readonly name: string; readonly containerPort: number }[]
        readonly env: { readonly name: string; readonly value: string }[]
        readonly securityContext: { readonly readOnlyRootFilesystem: boolean }
        readonly volumeMounts: { readonly name: string; readonly mountPath: string }[]
        readonly startupProbe: Probe
        readonly readinessProbe: Probe
        readonly livenessProbe: Probe
      },
    ]
  }
  interface Deployment {
    readonly progressDeadlineSeconds?: number
    readonly template: { readonly spec: Pod }
  }
  const [container] = pod.containers

  it('listens, is probed and is reached at the ports of the configuration', () => {
    const port = (name: string) => container.ports.find((one) => one.name === name)?.containerPort
    assert.deepEqual([port('http'), port('admin')], [config.listen.gateway, config.listen.admin])
    for (const { httpGet } of [container.startupProbe, container.readinessProbe])
      assert.deepEqual(httpGet, { path: '/readyz', port: 'admin' })
    assert.deepEqual(container.livenessProbe.httpGet, { path: '/healthz', port: 'admin' })
    assert.equal(config.listen.adminHost, '0.0.0.0', 'the kubelet comes from elsewhere')
  })

  it('is left alone at its start for as long as it may take to migrate a large store', () => {
    const { periodSeconds, failureThreshold } = container.startupProbe
    const seconds = periodSeconds * failureThreshold
    assert.ok(seconds >= 600)
    const { progressDeadlineSeconds = 600 } = deployment
    assert.ok(progressDeadlineSeconds > seconds, 'nor is its rollout taken for a failed one')
  })

  it('mounts what it uses, and runs without rights and with a file system that is read-only', () => {
    const volumes = new Set(pod.volumes.map(({ name }) => name))
    for (const { name } of container.volumeMounts) assert.ok(volumes.has(name), name)
    for (const { name, value } of container.env) {
      assert.ok(isVariable(name), name)
      assert.ok(
        container.volumeMounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`)),
        value,
      )
    }
    assert.ok(pod.securityContext.runAsNonRoot && container.securityContext.readOnlyRootFilesystem)
    assert.ok(container.volumeMounts.some(({ mountPath }) => mountPath === '/tmp'))
    assert.ok(pod.terminationGracePeriodSeconds > 15)
  })

  it('gets no variables of its own service, which would look like settings', () => {
    assert.equal(pod.enableServiceLinks, false)
  })

  it('has a budget for disruptions and an autoscaler for this deployment', () => {
    assert.deepEqual(
      (find('PodDisruptionBudget').spec as object) &&
        Object.keys(find('PodDisruptionBudget').spec).toSorted(),
      ['maxUnavailable', 'selector'],
    )
    const { scaleTargetRef } = find('HorizontalPodAutoscaler').spec as unknown as {
      scaleTargetRef: { name: string; kind: string }
    }
    assert.deepEqual([scaleTargetRef.kind, scaleTargetRef.name], ['Deployment', 'portcullis'])
  })
})

describe('what watches', () => {
  it('asks for metrics that there are', async () => {
    const metrics = createMetrics('0')
    metrics.watchWorkers(() => 1)()
    metrics.watchAudit({ lost: () => 0, waiting: () => new Map([['syslog', 0]]) })
    metrics.verified({ seconds: 0.001, valid: true })
    const { text } = await metrics.render()
    const names = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string))
    const expressions = [
      ...(parse(read('prometheus/alerts.yml')) as { groups: { rules: { expr: string }[] }[] }).groups.flatMap(
        ({ rules }) => rules.map(({ expr }) => expr),
      ),
      ...(
        JSON.parse(read('grafana/portcullis.json')) as { panels: { targets: { expr: string }[] }[] }
      ).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ]
    assert.ok(expressions.length > 20)
    for (const expression of expressions) {
      for (const [name] of expression.matchAll(/\b(?:portcullis|process)_\w+/g))
        assert.ok(names.has(name.replace(/_(?:bucket|count|sum)$/, '')), name)
    }
    const shown = new Set(expressions.join(' ').match(/\bportcullis_\w+/g))
    for (const name of names)
      if (name.startsWith('portcullis_') && name !== 'portcullis_build_info')
        assert.ok(
          [...shown].some((one) => one.startsWith(name)),
          `nobody looks at ${name}`,
        )
    const page = readFileSync(join(folder, '../docs/metrics.md'), 'utf8')
    for (const name of names)
      if (name.startsWith('portcullis_')) assert.ok(page.includes(`\`${name}\``), name)
  })
})
