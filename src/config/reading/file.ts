import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as yaml from 'yaml'
import type { Problem } from '../problems.ts'
import { unreadReason } from './unread-file.ts'

const load = createRequire(import.meta.url)
/** Its seventy modules are not loaded if no file is named. */
const loadYaml = (): typeof yaml => load('yaml') as typeof yaml

/** A configuration file that was read. */
export interface ConfigFile {
  readonly values: object
  readonly problems: readonly Problem[]
  /**
   * The position of a path's value, such as `portcullis.yaml:3`; if the value is missing, where it would be.
   * Undefined if the file contains nothing of it.
   */
  locate(path: readonly PropertyKey[]): string | undefined
}

/** Where there is no file: nothing, and no problem with it. */
export const noFile = noSettings([])

function noSettings(problems: readonly Problem[]): ConfigFile {
  return { values: {}, problems, locate: () => undefined }
}

/** Reads a YAML file. Errors in it are returned as problems, with line and column. */
export function readConfigFile(file: string): ConfigFile {
  const text = readText(file)
  if (typeof text !== 'string') return noSettings([text])
  const { isMap, LineCounter, parseDocument } = loadYaml()
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const problems = yamlProblems(document).map(({ offset, message }) => {
    const { line, col } = lines.linePos(offset)
    return { path: `${file}:${line}:${col}`, message }
  })
  if (problems.length > 0) return noSettings(problems)
  if (document.contents !== null && !isMap(document.contents)) {
    const message = 'must hold settings, such as "publicUrl: https://mcp.example.com"'
    return noSettings([{ path: file, message }])
  }
  const values = valuesOf(document)
  if (values === undefined) {
    const message = 'repeats parts with aliases (*name) too often: write out those that have others in them'
    return noSettings([{ path: file, message }])
  }
  return {
    values,
    problems: [],
    locate: (path) => locate(document, path, (offset) => `${file}:${lines.linePos(offset).line}`),
  }
}

interface YamlProblem {
  readonly offset: number
  readonly message: string
}

/** What is wrong with a document as YAML, and what has no meaning here. Repeats nothing of the text, which has secrets. */
function yamlProblems(document: yaml.Document.Parsed): YamlProblem[] {
  const found = [...document.errors, ...document.warnings]
  // The parser also complains of each word that follows a text which is over, such as after a bracket too many.
  const over = found.findIndex(isAfterEnd)
  const told = found
    .filter((one, index) => index === over || !isAfterEnd(one))
    .map((one) => ({ offset: one.pos[0], message: wordsFor(one) }))
  const ofAliases = aliasProblems(document)
  // The parser says less of an alias without a name, which is what a text of * alone looks like.
  return [
    ...told.filter((one) => !ofAliases.some(({ offset }) => offset === one.offset)),
    ...ofAliases,
    ...nameProblems(document),
  ]
}

type Complaint = Pick<yaml.YAMLError, 'code' | 'message'>

function isAfterEnd({ message }: Complaint): boolean {
  return / in YAML stream(?:$|:)/.test(message)
}

/** What the parser says of a problem, without the words of the text that it repeats. */
function wordsFor(complaint: Complaint): string {
  const { code, message } = complaint
  // Without the tag, an encrypted secret, or the name of one, would itself be the secret.
  if (code === 'TAG_RESOLVE_FAILED')
    return 'a tag (!name) that means nothing here: write the value itself, in quotes if it begins with !'
  if (code === 'MULTIPLE_DOCS')
    return 'a second document begins here: write all settings into one, without ---'
  if (isAfterEnd(complaint))
    return 'does not belong here: look for a bracket too many, or an indentation that is wrong, here or before'
  if (message.includes('extra characters')) return 'a text that begins with | or > must be in quotes'
  return message.replace(/(?<=directive|version|escape sequence) .*$/s, '')
}

/** Aliases (YAML 1.2.2 section 7.1) that stand for nothing, or inside of what they stand for. */
function aliasProblems(document: yaml.Document.Parsed): YamlProblem[] {
  const problems: YamlProblem[] = []
  const anchors = new Map<string, yaml.Node>()
  const { isAlias, visit } = loadYaml()
  visit(document, {
    Node(_, node, path) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node)
        return
      }
      const meant = anchors.get(node.source)
      const [offset = 0] = node.range ?? []
      if (meant === undefined)
        problems.push({
          offset,
          message:
            'an alias (*name) that stands for nothing, since no anchor before it is named so: put a text in quotes',
        })
      else if (path.includes(meant))
        problems.push({
          offset,
          message: 'an alias (*name) that is part of what it repeats: write out what is meant',
        })
    },
  })
  return problems
}

/** Lists and mappings that stand where a name must be, of which the parser would make a text, and print it. */
function nameProblems(document: yaml.Document.Parsed): YamlProblem[] {
  const problems: YamlProblem[] = []
  const { isAlias, isCollection, visit } = loadYaml()
  visit(document, {
    Pair(_, { key }) {
      if (!isCollection(isAlias(key) ? key.resolve(document) : key)) return
      const [offset = 0] = (key as yaml.Node).range ?? []
      const message = 'a name must be a text: what is meant as a value, such as {{ name }}, must be in quotes'
      problems.push({ offset, message })
    },
  })
  return problems
}

/** More than any file has whose author can still read it; beyond, a short file could fill the memory. */
const maxAliasCount = 10_000

/** The values of a document without problems; undefined if its aliases repeat too much. */
function valuesOf(document: yaml.Document.Parsed): object | undefined {
  try {
    return (document.toJS({ maxAliasCount }) as object | null) ?? {}
  } catch (error) {
    if (error instanceof ReferenceError) return undefined
    throw error
  }
}

/** The text of a file, or why there is none. */
function readText(file: string): string | Problem {
  if (file === '') {
    const message = 'names no file: give one with -c, or take PORTCULLIS_CONFIG away'
    return { path: '--config', message }
  }
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { path: file, message: 'there is no such file' }
    const message = code === 'EISDIR' ? 'is a folder: name a file' : unreadReason(error, 'the configuration')
    return { path: file, message }
  }
}

function locate(
  document: yaml.Document,
  path: readonly PropertyKey[],
  describe: (offset: number) => string,
): string | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true)
    if (loadYaml().isNode(node) && node.range) return describe(node.range[0])
  }
  return undefined
}
