import { metaKeys } from '../../mcp/meta-keys.ts'
import { newest } from '../../mcp/revisions.ts'
import { asObject, type Json, metaOf, paramsOf } from '../conversation/json-rpc.ts'

/**
 * Results that modern clients may cache. The legacy era has no rules for that, so nobody may cache them for
 * long.
 */
const cacheable = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])
const uncached = { ttlMs: 0, cacheScope: 'private' }

const capabilityNames = new Set(['experimental', 'logging', 'completions', 'prompts', 'resources', 'tools'])

/**
 * Translates a legacy request for a modern server: adds the `_meta` that replaces `initialize`. Does not
 * change the message.
 */
export function toModernRequest(message: Json, envelope: Json): Json {
  const params = paramsOf(message) ?? {}
  return { ...message, params: { ...params, _meta: { ...metaOf(params), ...envelope } } }
}

/** Translates a legacy result for a modern client. */
export function toModernResult(method: unknown, result: Json, serverInfo: unknown): Json {
  const cache = typeof method === 'string' && cacheable.has(method) ? uncached : {}
  const tools = method === 'tools/list' && Array.isArray(result['tools']) ? result['tools'] : undefined
  return {
    ...result,
    ...(tools === undefined ? {} : { tools: tools.map((tool) => toModernTool(asObject(tool))) }),
    resultType: 'complete',
    ...cache,
    ...metaWith(result, serverInfo),
  }
}

/** What `server/discover` would have returned, from the result of `initialize`. */
export function toDiscoverResult(initialized: Json): Json {
  const capabilities = asObject(initialized['capabilities']) ?? {}
  const known = Object.entries(capabilities).filter(([name]) => capabilityNames.has(name))
  const { instructions } = initialized as { instructions?: unknown }
  return {
    resultType: 'complete',
    supportedVersions: [newest.modern],
    capabilities: Object.fromEntries(known),
    ...(typeof instructions === 'string' ? { instructions } : {}),
    ...uncached,
    ...metaWith({}, initialized['serverInfo']),
  }
}

/** Tasks of the legacy era have no counterpart, so what a tool says about them is omitted. */
function toModernTool(tool: Json | undefined): Json | undefined {
  if (tool === undefined) return undefined
  const { execution: _execution, ...rest } = tool
  return rest
}

function metaWith(result: Json, serverInfo: unknown): Json {
  const meta = metaOf(result)
  if (asObject(serverInfo) === undefined) return meta === undefined ? {} : { _meta: meta }
  return { _meta: { ...meta, [metaKeys.serverInfo]: serverInfo } }
}
