#!/usr/bin/env node
// Plain JavaScript that every Node can read, so that an old one gets an explanation and not a syntax error.
import { existsSync } from 'node:fs'
import * as modules from 'node:module' // whole: an old Node refuses the import of a name that it lacks
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `portcullis needs Node.js 24.12 or newer; this is ${process.version}.\n` +
      'Install a current version, or inside a checkout run "npm ci" and use "npm start" or "npx portcullis": they bring their own.',
  )
  process.exit(2)
}

// Beside the program, and not in the folder for temporary files, where others could leave code of theirs. Where that
// cannot be written, everything is compiled each time.
modules.enableCompileCache?.(fileURLToPath(new URL('../.cache', import.meta.url)))

const sources = new URL('../src/cli/main.ts', import.meta.url)
const built = new URL('../dist/src/cli/main.js', import.meta.url)
await import(existsSync(built) && !existsSync(sources) ? built : sources)
