import type { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

interface Review {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly look: string
}

const reviews: readonly Review[] = [
  {
    name: 'code-review',
    title: 'General review',
    description: 'Reviews code for correctness and clarity',
    look: 'Look for mistakes, unclear names and missing cases. Praise what is good. Order what you find by weight.',
  },
  {
    name: 'security-review',
    title: 'Security review',
    description: 'Reviews code as an attacker would',
    look: 'Assume that every input is hostile. Look for injection, missing checks, leaked secrets and unsafe defaults.',
  },
  {
    name: 'performance-review',
    title: 'Performance review',
    description: 'Reviews code for wasted time and memory',
    look: 'Look for work done twice, needless allocation, slow algorithms and blocking calls. Say how to measure each.',
  },
  {
    name: 'style-review',
    title: 'Style review',
    description: 'Reviews code for readability',
    look: 'Look at names, structure, comments and consistency. Suggest the smallest change that helps a reader most.',
  },
]

const argsSchema = z.object({
  code: z.string().describe('The code to review'),
  language: z.string().optional().describe('The language it is written in'),
})

/** Adds the four prompts to a server. */
export function addPrompts(server: McpServer): void {
  for (const { name, title, description, look } of reviews) {
    server.registerPrompt(name, { title, description, argsSchema }, ({ code, language = '' }) => ({
      description,
      messages: [
        {
          role: 'user',
          content: {
            type: 'text',
            text: `Please review this ${`${language} code`.trim()}. ${look}\n\n\`\`\`${language}\n${code}\n\`\`\``,
          },
        },
      ],
    }))
  }
}
