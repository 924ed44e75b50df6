import { Refusal } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json-object.ts'
import { parseLossless } from '../../mcp/lossless.ts'
import { isAskedFor } from '../../mcp/subscriptions.ts'
import { isTaskMethod, mayBecomeTask, relatedTaskKey, relatedTaskOf } from '../../mcp/tasks.ts'
import type { Authorized } from '../authorize.ts'
import type { Call, MethodCall } from '../call.ts'
import type { Answering } from './open-answers.ts'
import type { TaskIds } from './task-ids.ts'

declare const brand: unique symbol

/** A call that names only tasks of its caller, by the server's own ids. Only `openTasks` makes one. */
export interface Opened {
  readonly [brand]: true
  readonly allowed: Authorized
  readonly body: Buffer | undefined
  /** The task that the request is about, which its headers may repeat. */
  readonly name: string | undefined
  /** All tasks that it names, by the server's ids. */
  readonly tasks: ReadonlySet<string>
  /** Whether the answer may mention tasks. */
  readonly tellsOfTasks: boolean
}

/** A JSON object that belongs to this call only, so it can be changed. */
type Json = Record<string, unknown>

/**
 * Replaces the task ids that the client holds by the server's. Only such a call is serialized again, from
 * what was parsed; all others keep their bytes. Throws `task_unknown` for an id that was not given to this
 * principal at this server, whether it is made up or somebody else's (MCP 2025-11-25, tasks, "Task
 * Isolation and Access Control").
 */
export function openTasks(ids: TaskIds, allowed: Authorized, call: Answering): Opened {
  const { principal, upstream } = allowed
  const tellsOfTasks = call.verb === 'GET' || call.methods.some(isAboutTasks)
  const tasks = new Set<string>()
  const untouched = { allowed, body: call.body, name: undefined, tasks, tellsOfTasks }
  if (!namesTasks(call)) return untouched as Omit<Opened, typeof brand> as Opened

  let name: string | undefined
  const find = (id: unknown): string | undefined => {
    const found = typeof id === 'string' ? ids.open(id, principal, upstream.name) : undefined
    if (found !== undefined) tasks.add(found)
    return found
  }
  const demand = (id: unknown): string => {
    const found = find(id)
    if (found === undefined) throw new Refusal('task_unknown', { id: call.id })
    return found
  }
  const openMessage = (message: Json): void => {
    const { method } = message
    const holder = message['params'] ?? message['result']
    if (!isObject(holder)) return
    if (typeof method === 'string' && isTaskMethod(method) && 'taskId' in holder)
      holder['taskId'] = name = demand(holder['taskId'])
    const filter = holder['notifications']
    if (method === 'subscriptions/listen' && isObject(filter) && isAskedFor(filter['taskIds']))
      filter['taskIds'] = [filter['taskIds']].flat().map(demand)
    const related = relatedTaskOf(holder)
    if (related === undefined) return
    // A message that is not a request may concern a task that the client itself runs for the server, and
    // which the gateway does not know.
    const isRequest = method !== undefined && message['id'] !== undefined
    const taskId = isRequest ? demand(related) : (find(related) ?? related)
    const meta = holder['_meta'] as Json
    meta[relatedTaskKey] = { ...(meta[relatedTaskKey] as Json), taskId }
  }
  const value = parseLossless(call.body?.toString() ?? '')
  for (const message of [value].flat()) openMessage(message as Json)
  const opened: Omit<Opened, typeof brand> = { ...untouched, name, body: Buffer.from(JSON.stringify(value)) }
  return opened as Opened
}

function isAboutTasks({ row: { method }, params }: MethodCall): boolean {
  // On a subscription, a server may tell of tasks whatever the client has declared.
  return isTaskMethod(method) || method === 'subscriptions/listen' || mayBecomeTask(params)
}

function namesTasks({ verb, methods, body }: Call): boolean {
  // Of a posted response only its bytes were kept.
  if (methods.length === 0) return verb === 'POST' && body?.includes(relatedTaskKey) === true
  return methods.some(({ row: { method }, params }) => {
    const filter = method === 'subscriptions/listen' ? params['notifications'] : undefined
    return (
      (isTaskMethod(method) && 'taskId' in params) ||
      (isJsonObject(filter) && isAskedFor(filter['taskIds'])) ||
      relatedTaskOf(params) !== undefined
    )
  })
}

function isObject(value: unknown): value is Json {
  return isJsonObject(value)
}
