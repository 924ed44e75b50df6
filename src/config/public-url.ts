import { withoutTrailingSlash } from '../core/resource.ts'
import type { ParsedConfig } from './schema.ts'

/**
 * The public URL of a configuration, which is also the issuer of its own tokens; on loopback if none is
 * named.
 */
export function publicUrlOf({ publicUrl, listen }: Pick<ParsedConfig, 'publicUrl' | 'listen'>): string {
  return withoutTrailingSlash(new URL(publicUrl ?? `http://127.0.0.1:${listen.gateway}`).href)
}
