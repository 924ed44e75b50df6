import { isDeepStrictEqual } from 'node:util'
import { describeArguments } from '../audit/arguments.ts'
import type { Config, UpstreamConfig } from '../config/schema.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import type { Upstream, UpstreamPolicy } from '../gateway/upstream.ts'
import type { Policies } from '../policy/policy-contract.ts'
import type { Connector, UpstreamCredential } from '../upstream/contract.ts'
import type { Base } from './base.ts'
import { buildConnector } from './connector.ts'
import { buildCredential } from './credential.ts'
import type { Lasting } from './lasting.ts'
import { openPolicies } from './policies.ts'
import { shareOf } from './share-limits.ts'
import { upstreamPolicy } from './upstream-policy.ts'

/** An MCP server behind the gateway, with the setting that it was built from. */
export interface BuiltUpstream {
  readonly setting: UpstreamConfig
  /** The policies of the installation, as they were written. */
  readonly policies: WrittenPolicies
  readonly upstream: Upstream
}

type WrittenPolicies = Pick<Config, 'policies' | 'policyMode' | 'roles'>

/** The servers of a configuration before anything of them is running. */
export interface DraftedUpstreams {
  /** Opens their connectors. Nothing can fail any more. */
  build(): readonly BuiltUpstream[]
  /** Releases what was made only for them. */
  discard(): void
}

interface UpstreamPorts {
  readonly base: Base
  readonly lasting: Lasting
}

/**
 * The servers of a configuration. One whose setting has not changed since `before` is reused; one with
 * changes only in rules and limits keeps its connections, sessions and processes. Throws problems that an
 * operator can fix.
 */
export function draftUpstreams(
  config: Config,
  before: readonly BuiltUpstream[],
  ports: UpstreamPorts,
): DraftedUpstreams {
  const { policies: texts, policyMode, roles } = config
  const written = { policies: texts, policyMode, roles }
  const policies = { written, compiled: openPolicies(config, ports.base.clock) }
  const drafts: Draft[] = []
  const discard = (): void => {
    for (const { isOwn, credential } of drafts) if (isOwn) credential.close?.()
  }
  try {
    for (const [index, setting] of config.upstreams.entries()) {
      const known = before.find(({ setting: { name } }) => name === setting.name)
      const kept = withholding(setting, known?.setting.withheld)
      const resource = ports.base.resources.all[index] as ProtectedResource
      drafts.push(draft(kept, resource, { known, policies, ...ports }))
    }
  } catch (error) {
    discard()
    throw error
  }
  return { build: () => drafts.map(({ build }) => build()), discard }
}

/** A setting that goes on withholding what it did: that a variable is named no more is no reason to end anything. */
function withholding(setting: UpstreamConfig, before: UpstreamConfig['withheld'] = []): UpstreamConfig {
  const withholdsNoMore = setting.withheld?.every((name) => before.includes(name)) ?? false
  return withholdsNoMore ? { ...setting, withheld: before } : setting
}

/** Everything about a server that can still fail. */
interface Draft {
  readonly credential: UpstreamCredential
  /** Whether nobody else uses the credential. */
  readonly isOwn: boolean
  readonly build: () => BuiltUpstream
}

interface DraftPorts extends UpstreamPorts {
  readonly known: BuiltUpstream | undefined
  readonly policies: { readonly written: WrittenPolicies; readonly compiled: Policies | undefined }
}

function draft(
  setting: UpstreamConfig,
  resource: ProtectedResource,
  { known, policies, base, lasting }: DraftPorts,
): Draft {
  const { written, compiled } = policies
  if (
    known !== undefined &&
    isDeepStrictEqual(known.setting, setting) &&
    isDeepStrictEqual(known.policies, written)
  ) {
    return { credential: known.upstream.credential, isOwn: false, build: () => known }
  }
  const { identity, owners } = lasting
  const credential = buildCredential(setting, { identity, log: base.log, clock: base.clock })
  return {
    credential,
    isOwn: true,
    build() {
      const keeps =
        known !== undefined && isDeepStrictEqual(wayOf(known.setting), wayOf(setting))
          ? known.upstream.connector
          : undefined
      const connector = keeps ?? buildConnector(setting, base, owners)
      const policy = upstreamPolicy(resource, setting, compiled)
      const upstream = buildUpstream(policy, setting, { base, connector, credential })
      return { setting, policies: written, upstream }
    },
  }
}

/** Settings about what callers may do at a server. All others are about how to reach it. */
const policySettings: ReadonlySet<string> = new Set<keyof UpstreamConfig>([
  'path',
  'credential',
  'baselineScopes',
  'objects',
  'listing',
  'separatesTasks',
  'mayAsk',
  'audit',
  'methods',
  'listenFilters',
  'dpop',
  'limits',
])

function wayOf(setting: UpstreamConfig): object {
  return Object.fromEntries(Object.entries(setting).filter(([name]) => !policySettings.has(name)))
}

function buildUpstream(
  policy: UpstreamPolicy,
  setting: UpstreamConfig,
  {
    base,
    connector,
    credential,
  }: { readonly base: Base; readonly connector: Connector; readonly credential: UpstreamCredential },
): Upstream {
  const { limits } = setting
  return {
    ...policy,
    connector,
    credential,
    limits: {
      ...limits,
      running: shareOf(limits.running, base.place),
      streams: shareOf(limits.streams, base.place),
    },
    describeArguments: describeArguments(setting.audit, base.secret.derive('audit/arguments')),
  }
}
