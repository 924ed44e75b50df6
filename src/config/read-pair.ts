import { readFileSync } from 'node:fs'
import type { RuleProblem } from './cross-check.ts'
import { type CertificatePair, examinePair, type PairProblem } from './examine-pair.ts'
import { ConfigurationInvalid, writePath } from './problems.ts'
import type { Config, ParsedConfig } from './schema.ts'
import type { TlsFiles } from './tls.ts'

/** Reads the files of `listen.tls`, which must serve the public URL `now`. Returns the pair, or what is wrong with it. */
export function readPair(
  files: TlsFiles,
  publicUrl: string | undefined,
  now: number,
): CertificatePair | readonly PairProblem[] {
  const problems: PairProblem[] = []
  const read = (setting: keyof TlsFiles): string | undefined => {
    try {
      return readFileSync(files[setting], 'utf8')
    } catch (error) {
      problems.push({ setting, message: describeUnread(setting, files[setting], error) })
      return undefined
    }
  }
  const texts = { certificate: read('certificate'), key: read('key') }
  const url = URL.parse(publicUrl ?? '')
  const examined = examinePair(texts, files, {
    host: url?.protocol === 'https:' ? url.hostname : undefined,
    now,
  })
  return 'cert' in examined ? examined : [...problems, ...examined]
}

/** What is wrong with the certificate of a configuration, which may itself be wrong elsewhere. */
export function checkPair({ listen, publicUrl }: Partial<ParsedConfig>, now: number): RuleProblem[] {
  if (listen?.tls === undefined) return []
  const read = readPair(listen.tls, publicUrl, now)
  return 'cert' in read ? [] : read.map(({ setting, message }) => ({ path: settingPath(setting), message }))
}

/** The pair of a configuration; undefined where it has none. Throws ConfigurationInvalid. */
export function openPair({ listen, publicUrl }: Config, now: number): CertificatePair | undefined {
  if (listen.tls === undefined) return undefined
  const read = readPair(listen.tls, publicUrl, now)
  if ('cert' in read) return read
  throw new ConfigurationInvalid(
    read.map(({ setting, message }) => ({ path: writePath(settingPath(setting)), message })),
  )
}

/** Problems of a pair in one line, for a log. */
export function describePairProblems(problems: readonly PairProblem[]): string {
  return problems.map(({ setting, message }) => `${writePath(settingPath(setting))}: ${message}`).join('; ')
}

function settingPath(setting: keyof TlsFiles): readonly string[] {
  return ['listen', 'tls', setting]
}

function describeUnread(setting: keyof TlsFiles, file: string, error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return `there is no file ${file}: name the one that holds the ${setting} in PEM`
  if (code === 'EISDIR') return `${file} is a folder: name the file in it that holds the ${setting}`
  return `${file} cannot be read (${code}): let the user that Portcullis runs as read it`
}
