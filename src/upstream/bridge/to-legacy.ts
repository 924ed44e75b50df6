import { metaKeys } from '../../mcp/meta-keys.ts'
import { asObject, type Json, metaOf, paramsOf } from '../conversation/json-rpc.ts'

const modernKeys: ReadonlySet<string> = new Set(Object.values(metaKeys))

/** A modern request as a legacy server understands it. The message is not changed. */
export function toLegacyRequest(message: Json): Json {
  return { ...message, params: withoutModernMeta(paramsOf(message) ?? {}) }
}

/** A modern notification as a legacy client understands it. The message is not changed. */
export function toLegacyNotification(message: Json): Json {
  const params = paramsOf(message)
  return params === undefined ? { ...message } : { ...message, params: withoutModernMeta(params) }
}

/** A complete modern result as a legacy client understands it. */
export function toLegacyResult(method: unknown, result: Json): Json {
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = withoutModernMeta(result)
  if (method === 'tools/list' && Array.isArray(rest['tools'])) {
    return { ...rest, tools: rest['tools'].map((tool) => toLegacyTool(asObject(tool))) }
  }
  // Structured content is an object in the legacy era.
  if (method === 'tools/call' && asObject(rest['structuredContent']) === undefined) {
    delete rest['structuredContent']
  }
  return rest
}

/** A legacy client refuses the whole list for one output schema that describes no object. */
function toLegacyTool(tool: Json | undefined): Json | undefined {
  if (tool === undefined || asObject(tool['outputSchema'])?.['type'] === 'object') return tool
  const { outputSchema: _schema, ...rest } = tool
  return rest
}

/** The parts of a capabilities object that the legacy era knows. */
export function toLegacyCapabilities(capabilities: Json): Json {
  const { extensions: _extensions, ...rest } = capabilities
  return rest
}

function withoutModernMeta(holder: Json): Json {
  const meta = metaOf(holder)
  if (meta === undefined) return { ...holder }
  const kept = Object.entries(meta).filter(([key]) => !modernKeys.has(key))
  const { _meta, ...rest } = holder
  return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) }
}
