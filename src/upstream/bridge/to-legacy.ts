import { metaKeys } from '../../mcp/meta-keys.ts'
import { asObject, type Json, metaOf, paramsOf } from '../conversation/json-rpc.ts'

const modernKeys: ReadonlySet<string> = new Set(Object.values(metaKeys))

/** Translates a modern request for a legacy server. Does not change the message. */
export function toLegacyRequest(message: Json): Json {
  return { ...message, params: withoutModernMeta(paramsOf(message) ?? {}) }
}

/** Translates a modern notification for a legacy client. Does not change the message. */
export function toLegacyNotification(message: Json): Json {
  const params = paramsOf(message)
  return params === undefined ? { ...message } : { ...message, params: withoutModernMeta(params) }
}

/** Translates a complete modern result for a legacy client. */
export function toLegacyResult(method: unknown, result: Json): Json {
  const { resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = withoutModernMeta(result)
  if (method === 'tools/list' && Array.isArray(rest['tools'])) {
    return { ...rest, tools: rest['tools'].map((tool) => toLegacyTool(asObject(tool))) }
  }
  // In the legacy era structured content is always an object.
  if (method === 'tools/call' && asObject(rest['structuredContent']) === undefined) {
    delete rest['structuredContent']
  }
  return rest
}

/** A legacy client rejects the whole list if one output schema does not describe an object. */
function toLegacyTool(tool: Json | undefined): Json | undefined {
  if (tool === undefined || asObject(tool['outputSchema'])?.['type'] === 'object') return tool
  const { outputSchema: _schema, ...rest } = tool
  return rest
}

/** The capabilities that exist in the legacy era. */
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
