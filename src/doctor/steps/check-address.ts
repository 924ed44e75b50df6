import { isLoopbackHost } from '../../core/resource.ts'
import type { Visit } from '../contract.ts'

/** The server is reached over https, or on this computer. */
export function checkAddress({ endpoint, report }: Visit): void {
  const { protocol, hostname } = endpoint
  if (protocol === 'https:') report.pass('address')
  else if (isLoopbackHost(hostname)) report.pass('address', 'plain http, on this computer only')
  else report.fail('address', 'the URL is plain http, so tokens can be read on the way')
}
