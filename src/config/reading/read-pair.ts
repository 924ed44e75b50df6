import { readFileSync } from 'node:fs'
import { ConfigurationInvalid, problem, type RuleProblem, writePath } from '../problems.ts'
import type { TlsFiles } from '../schema/tls-schema.ts'
import type { Config, ParsedConfig } from '../schema.ts'
import { tenantUrl } from '../tenant.ts'
import { type CertificatePair, examinePair, type NeededHost, type PairProblem } from './examine-pair.ts'
import { unreadReason } from './unread-file.ts'

/**
 * Reads the files of `listen.tls`, which must be valid `now` for all hosts. Returns the pair, or what is
 * wrong with it.
 */
export function readPair(
  files: TlsFiles,
  config: Pick<Partial<ParsedConfig>, 'publicUrl' | 'tenants'>,
  now: number,
): CertificatePair | readonly PairProblem[] {
  const problems: PairProblem[] = []
  const read = (setting: keyof TlsFiles): string | undefined => {
    try {
      return readFileSync(files[setting], 'utf8')
    } catch (error) {
      problems.push({ setting, message: `${files[setting]} ${unreadReason(error, `the ${setting} in PEM`)}` })
      return undefined
    }
  }
  const texts = { certificate: read('certificate'), key: read('key') }
  const examined = examinePair(texts, files, { hosts: neededHosts(config), now })
  return 'cert' in examined ? examined : [...problems, ...examined]
}

/** What is wrong with the certificate of a configuration, which may itself be wrong elsewhere. */
export function checkPair(config: Partial<ParsedConfig>, now: number): RuleProblem[] {
  const { listen } = config
  if (listen?.tls === undefined) return []
  const read = readPair(listen.tls, config, now)
  return 'cert' in read ? [] : read.map(({ setting, message }) => problem(settingPath(setting), message))
}

/** The pair of a configuration; undefined if it has none. Throws ConfigurationInvalid. */
export function openPair(config: Config, now: number): CertificatePair | undefined {
  const { listen } = config
  if (listen.tls === undefined) return undefined
  const read = readPair(listen.tls, config, now)
  if ('cert' in read) return read
  throw new ConfigurationInvalid(
    read.map(({ setting, message }) => ({ path: writePath(settingPath(setting)), message })),
  )
}

/** Problems of a pair in one line, for a log. */
export function describePairProblems(problems: readonly PairProblem[]): string {
  return problems.map(({ setting, message }) => `${writePath(settingPath(setting))}: ${message}`).join('; ')
}

/** The hosts of the public URL and of tenants. Errors in them are reported elsewhere. */
function neededHosts({ publicUrl = '', tenants = [] }: Parameters<typeof readPair>[1]): NeededHost[] {
  const url = URL.parse(publicUrl)
  if (url?.protocol !== 'https:') return []
  const own = {
    host: url.hostname,
    whose: 'publicUrl',
    otherwise: 'put a host that it covers into publicUrl',
  }
  const others = tenants.flatMap((tenant) => {
    const host = tenant.host === undefined ? undefined : URL.parse(tenantUrl(publicUrl, tenant))?.hostname
    const otherwise = 'take its host away, which leaves it its path'
    return host === undefined ? [] : [{ host, whose: `the tenant ${tenant.name}`, otherwise }]
  })
  return [own, ...others]
}

function settingPath(setting: keyof TlsFiles): readonly string[] {
  return ['listen', 'tls', setting]
}
