import type { EntityJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { ObjectKind } from '../../mcp/objects.ts'

/** The type of the entity of each kind of object, and the action that uses it. */
const usesOf: Readonly<Record<ObjectKind, { readonly type: string; readonly action: string }>> = {
  tools: { type: 'Tool', action: 'tools/call' },
  prompts: { type: 'Prompt', action: 'prompts/get' },
  resources: { type: 'Resource', action: 'resources/read' },
}

/** An object that is used at a server. */
export interface Use {
  readonly server: string
  readonly kind: ObjectKind
  readonly name: string
}

/** What is used: an entity such as `Tool::"files/read"`, and the action that uses it. */
export interface UsedObject {
  readonly action: string
  readonly entity: EntityJson
}

/** The entity of an object. Its name is untrusted, and that of its server has no slash. */
export function entityOf({ server, kind, name }: Use): UsedObject {
  const { type, action } = usesOf[kind]
  return {
    action,
    entity: {
      uid: { type, id: `${server}/${name}` },
      attrs: kind === 'resources' ? { uri: name } : { name },
      parents: [{ type: 'Server', id: server }],
    },
  }
}
