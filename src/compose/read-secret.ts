import type { ClientSecret } from '../issuer/client-secret.ts'
import type { Log } from '../telemetry/log.ts'
import { secretFile } from '../upstream/credential/secret.ts'

/** Logs what happens to a secret's file, but never its content. `owner` is whose secret it is. */
export function tellOfFile(
  owner: Readonly<Record<string, string>>,
  file: string,
  log: Log | undefined,
): { onChanged: () => void; onUnusable: (reason: string) => void } {
  const [name = ''] = Object.values(owner)
  return {
    onChanged: () => log?.logger.info({ ...owner, file }, `${name}: took up the new secret in ${file}`),
    onUnusable: (reason) =>
      log?.logger.warn({ ...owner, file, reason }, `${name}: ${file} is not taken up, ${reason}`),
  }
}

/**
 * The client secret that we have at an issuer, from the configuration or a file. `check` has validated both.
 */
export function clientSecret(
  {
    clientSecret: value,
    clientSecretFile: file,
  }: { clientSecret?: string | undefined; clientSecretFile?: string | undefined },
  owner: Readonly<Record<string, string>>,
  log: Log | undefined,
): ClientSecret | undefined {
  if (file !== undefined) return secretFile({ file, isUsable: Boolean, ...tellOfFile(owner, file, log) })
  return value === undefined ? undefined : { current: value }
}
