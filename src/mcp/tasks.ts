import { isJsonObject, type JsonObject } from '../core/json-object.ts'
import { metaKeys } from './meta-keys.ts'

/** The `_meta` key that says which task a message belongs to (MCP 2025-11-25, tasks). */
export const relatedTaskKey = 'io.modelcontextprotocol/related-task'

/**
 * The extension that has had tasks since MCP 2026-07-28, and the `_meta` key with which a request declares
 * that it supports it.
 */
const tasksExtension = 'io.modelcontextprotocol/tasks'

/** Whether a method is about tasks. */
export function isTaskMethod(method: string): boolean {
  return method.startsWith('tasks/')
}

/** Whether a server's notification is about one task, named in its `taskId`. */
export function tellsOfTask(method: string): boolean {
  return method === 'notifications/tasks/status' || method === 'notifications/tasks'
}

/**
 * Whether a request may be answered with a task; in either era the client says so. The params are untrusted.
 */
export function mayBecomeTask(params: JsonObject): boolean {
  if (params['task'] !== undefined) return true
  const capabilities = memberOf(params['_meta'], metaKeys.clientCapabilities)
  return memberOf(memberOf(capabilities, 'extensions'), tasksExtension) !== undefined
}

/** The id of the task that a message belongs to, from the `_meta` of its params or its result. Untrusted. */
export function relatedTaskOf(holder: JsonObject): unknown {
  return memberOf(memberOf(holder['_meta'], relatedTaskKey), 'taskId')
}

function memberOf(holder: unknown, name: string): unknown {
  return isJsonObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined
}
