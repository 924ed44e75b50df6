/**
 * The entries of the filter of `subscriptions/listen` (MCP 2026-07-28, Subscriptions), each with the method that asks for
 * what it tells of, and so needs the same scopes.
 */
export const filterEntries: Readonly<Record<string, string>> = {
  toolsListChanged: 'tools/list',
  promptsListChanged: 'prompts/list',
  resourcesListChanged: 'resources/list',
  resourceSubscriptions: 'resources/subscribe',
  taskIds: 'tasks/get',
}
