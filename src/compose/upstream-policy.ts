import type { Config, UpstreamConfig } from '../config/schema.ts'
import type { ProtectedResource } from '../core/protected-resource.ts'
import { mcpScopes } from '../core/scope-catalogue.ts'
import type { UpstreamPolicy } from '../gateway/upstream.ts'
import { payload, payloadBesideArguments } from '../mcp/message.ts'
import { findMethodWith } from '../mcp/methods.ts'
import type { QuestionKind } from '../mcp/questions.ts'
import { objectRules } from '../policy/object-rules.ts'
import type { Policies } from '../policy/policy-contract.ts'

/** The MCP servers of a configuration, as OAuth sees them, under its public URL. */
export function protectedResources({ upstreams }: Config, publicUrl: string): ProtectedResource[] {
  return upstreams.map(({ name, path, baselineScopes, dpop }) => {
    return { name, path, baselineScopes, resource: publicUrl + path, takesProofs: dpop !== 'off' }
  })
}

/** What callers may do at a server, according to its setting and to the policies of the installation. */
export function upstreamPolicy(
  resource: ProtectedResource,
  setting: UpstreamConfig,
  all: Policies | undefined,
): UpstreamPolicy {
  const policies = all?.of(setting.name)
  const separatesTasks =
    setting.separatesTasks ?? (setting.command !== undefined && setting.principals === 'isolated')
  return {
    ...resource,
    dpop: setting.dpop,
    // If it is unknown whose tasks are whose, there is no list of tasks (MCP H6).
    findMethod: findMethodWith({
      scopes: setting.methods,
      filters: setting.listenFilters,
      absent: separatesTasks ? [] : ['tasks/list'],
    }),
    allScopes: [
      ...new Set([
        ...resource.baselineScopes,
        ...mcpScopes,
        ...[setting.methods, setting.listenFilters].flatMap((needs) => Object.values(needs).flat()),
      ]),
    ],
    separatesTasks,
    withheldQuestions: withheldBy(setting.mayAsk),
    rules: objectRules(setting.objects),
    policies: all?.mode === 'enforce' ? policies : undefined,
    proposed: all?.mode === 'report' ? policies : undefined,
    payload: policies?.readsArguments === true ? payloadBesideArguments : payload,
    listing: setting.listing,
  }
}

function withheldBy(mayAsk: UpstreamConfig['mayAsk']): ReadonlySet<QuestionKind> | undefined {
  const kinds = (Object.keys(mayAsk) as QuestionKind[]).filter((kind) => !mayAsk[kind])
  return kinds.length === 0 ? undefined : new Set(kinds)
}
