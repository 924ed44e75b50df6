import { isJsonObject, type JsonObject } from '../../core/json-object.ts'
import { relatedTaskKey, relatedTaskOf, tellsOfTask } from '../../mcp/tasks.ts'
import type { Rewrite } from '../../upstream/contract.ts'
import type { Opened } from '../sealed/open-tasks.ts'
import type { TaskIds } from '../sealed/task-ids.ts'

/**
 * Replaces the task ids in the answer to a call by ids that only its caller can use; undefined if the
 * answer holds none. A task is the caller's if a request of the caller's created or named it. For all other
 * tasks only a server that separates its users' tasks can say whose they are; without such a server, they
 * are left out.
 */
export function taskSealer(ids: TaskIds, { allowed, tasks, tellsOfTasks }: Opened): Rewrite | undefined {
  const { principal, upstream, call } = allowed
  const separates = upstream.separatesTasks
  const promises = !separates && call.opening !== undefined
  if (!tellsOfTasks && !promises) return undefined

  const seal = (id: string): string => ids.seal(id, principal, upstream.name)
  const isOwn = (id: unknown): id is string => typeof id === 'string' && (separates || tasks.has(id))
  const sealTask = (task: JsonObject): JsonObject =>
    typeof task['taskId'] === 'string' ? { ...task, taskId: seal(task['taskId']) } : task

  const sealResult = (result: JsonObject): JsonObject => {
    const sealed: Record<string, unknown> = { ...sealTask(result) }
    const { task, tasks: listed, capabilities } = result
    if (isJsonObject(task)) sealed['task'] = sealTask(task)
    if (Array.isArray(listed))
      sealed['tasks'] = separates ? listed.map((one) => (isJsonObject(one) ? sealTask(one) : one)) : []
    if (promises && isJsonObject(capabilities)) sealed['capabilities'] = withoutTaskList(capabilities)
    const related = relatedTaskOf(result)
    return typeof related === 'string' ? withRelated(sealed, seal(related)) : sealed
  }

  const sealParams = (params: JsonObject): JsonObject => {
    const { notifications } = params
    let sealed = params
    // The first message of a subscription repeats what was asked for.
    if (isJsonObject(notifications) && Array.isArray(notifications['taskIds'])) {
      const taskIds = notifications['taskIds'].filter(isOwn).map(seal)
      sealed = { ...sealed, notifications: { ...notifications, taskIds } }
    }
    const related = relatedTaskOf(params)
    if (related === undefined) return sealed
    return withRelated(sealed, isOwn(related) ? seal(related) : undefined)
  }

  return {
    documents: true,
    concerns: (text) => text.includes('taskId') || promises,
    change(message) {
      if (!isJsonObject(message)) return message
      const { method, params, result } = message
      if (typeof method !== 'string')
        return isJsonObject(result) ? { ...message, result: sealResult(result) } : message
      if (!isJsonObject(params)) return message
      if (!tellsOfTask(method)) return { ...message, params: sealParams(params) }
      return isOwn(params['taskId']) ? { ...message, params: sealTask(sealParams(params)) } : undefined
    },
  }
}

/** Without an id the message stays, but no longer says which task it belongs to. */
function withRelated(holder: JsonObject, taskId: string | undefined): JsonObject {
  const { [relatedTaskKey]: related, ...rest } = holder['_meta'] as Record<string, unknown>
  const label = taskId === undefined ? {} : { [relatedTaskKey]: { ...(related as object), taskId } }
  return { ...holder, _meta: { ...rest, ...label } }
}

/** If a server cannot tell its callers apart, the gateway does not offer a list of tasks for it (MCP H6). */
function withoutTaskList(capabilities: JsonObject): JsonObject {
  const { tasks } = capabilities
  if (!isJsonObject(tasks)) return capabilities
  const { list: _list, ...rest } = tasks
  return { ...capabilities, tasks: rest }
}
