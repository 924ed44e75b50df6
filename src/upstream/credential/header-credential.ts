import type { UpstreamCredential } from '../contract.ts'
import type { Secret } from './secret.ts'

const nothing: readonly string[] = []

/** Presents nothing. */
export const noCredential: UpstreamCredential = { headers: () => nothing }

/** The same header for every caller: built once, and again when its secret has changed. */
export function headerCredential(name: string, prefix: '' | 'Bearer ', secret: Secret): UpstreamCredential {
  const write = (): readonly string[] => [name, prefix + secret.current]
  let value = secret.current
  let headers = write()
  return {
    headers() {
      if (secret.current !== value) {
        value = secret.current
        headers = write()
      }
      return headers
    },
    ...(secret.refresh && { refused: secret.refresh }),
    ...(secret.close && { close: secret.close }),
  }
}
