/**
 * The entries of the filter of `subscriptions/listen` (MCP 2026-07-28, Subscriptions), each with the method
 * that requests what it notifies of, and whose scopes it therefore needs.
 */
export const filterEntries: Readonly<Record<string, string>> = {
  toolsListChanged: 'tools/list',
  promptsListChanged: 'prompts/list',
  resourcesListChanged: 'resources/list',
  resourceSubscriptions: 'resources/subscribe',
  taskIds: 'tasks/get',
}
