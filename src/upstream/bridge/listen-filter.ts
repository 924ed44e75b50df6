import { asObject, type Json } from '../conversation/json-rpc.ts'

/**
 * Which entry of a filter of `subscriptions/listen` corresponds to which notification of a legacy server, and
 * which capability announces it.
 */
const changes = [
  { entry: 'toolsListChanged', method: 'notifications/tools/list_changed', capability: 'tools' },
  { entry: 'promptsListChanged', method: 'notifications/prompts/list_changed', capability: 'prompts' },
  { entry: 'resourcesListChanged', method: 'notifications/resources/list_changed', capability: 'resources' },
]

/** The changes of lists that a server with these capabilities, which are untrusted, notifies of. */
export function announcedBy(capabilities: Json): typeof changes {
  return changes.filter(({ capability }) => asObject(capabilities[capability])?.['listChanged'] === true)
}

/** The filter that asks for these changes, and for those of these resources. */
export function filterFor(lists: typeof changes, uris: readonly string[]): Json {
  return {
    ...Object.fromEntries(lists.map(({ entry }) => [entry, true])),
    ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
  }
}
