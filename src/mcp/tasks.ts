import { isJsonObject, type JsonObject } from './json.ts'
import { metaKeys } from './meta-keys.ts'

/** The `_meta` key that says to which task a message belongs (MCP 2025-11-25, tasks). */
export const relatedTaskKey = 'io.modelcontextprotocol/related-task'

/** The extension in which tasks exist since MCP 2026-07-28, and the `_meta` key in which a request says that it knows it. */
const tasksExtension = 'io.modelcontextprotocol/tasks'

/** Says whether a method is about tasks. */
export function isTaskMethod(method: string): boolean {
  return method.startsWith('tasks/')
}

/** Says whether a notification of a server tells of one task, in its `taskId`. */
export function tellsOfTask(method: string): boolean {
  return method === 'notifications/tasks/status' || method === 'notifications/tasks'
}

/** Says whether a request may be answered with a task: in either era the client says so. The params are untrusted. */
export function mayBecomeTask(params: JsonObject): boolean {
  if (params['task'] !== undefined) return true
  const capabilities = memberOf(params['_meta'], metaKeys.clientCapabilities)
  return memberOf(memberOf(capabilities, 'extensions'), tasksExtension) !== undefined
}

/** The id of the task that a message belongs to, by the `_meta` of its params or its result. Untrusted. */
export function relatedTaskOf(holder: JsonObject): unknown {
  return memberOf(memberOf(holder['_meta'], relatedTaskKey), 'taskId')
}

function memberOf(holder: unknown, name: string): unknown {
  return isJsonObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined
}
