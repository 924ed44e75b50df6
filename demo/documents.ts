import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { McpServer } from '@modelcontextprotocol/server'

interface Document {
  readonly file: string
  readonly mimeType: string
  readonly description: string
  readonly text: string
}

const documents: readonly Document[] = [
  {
    file: 'welcome.txt',
    mimeType: 'text/plain',
    description: 'A greeting',
    text: 'Welcome. You read this through a gate: a token let you in, and the gateway vouched for you.\n',
  },
  {
    file: 'config.json',
    mimeType: 'application/json',
    description: 'Settings of the demo server',
    text: `${JSON.stringify({ name: 'portcullis-demo', tools: 10, resources: 4, prompts: 4 }, null, 2)}\n`,
  },
  {
    file: 'sample.md',
    mimeType: 'text/markdown',
    description: 'A text with formatting',
    text: '# Sample\n\nA resource is something that a client can **read**:\n\n- a file\n- a record\n- a page\n',
  },
  {
    file: 'oauth2-config.yaml',
    mimeType: 'application/yaml',
    description: 'How the demo is protected',
    text: [
      'flow: authorization_code',
      'pkce: S256',
      'scopes:',
      '  - mcp:tools:read',
      '  - mcp:tools:execute',
      '  - mcp:resources:list',
      '  - mcp:resources:read',
      '  - mcp:prompts:list',
      '  - mcp:prompts:read',
      '',
    ].join('\n'),
  },
]

/** The demo's resources: real files in a temporary folder. */
export interface Library {
  addTo(server: McpServer): void
  /** Removes the folder. */
  remove(): Promise<void>
}

/** Writes the files. */
export async function createLibrary(): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-demo-'))
  for (const { file, text } of documents) await writeFile(join(folder, file), text)
  return {
    addTo(server) {
      for (const { file, mimeType, description } of documents) {
        const uri = `demo:///${file}`
        server.registerResource(file, uri, { title: file, description, mimeType }, async () => ({
          contents: [{ uri, mimeType, text: await readFile(join(folder, file), 'utf8') }],
        }))
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
