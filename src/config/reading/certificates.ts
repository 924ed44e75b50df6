import { X509Certificate } from 'node:crypto'

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** The certificates of a text in PEM, in their order. Throws if one is damaged. */
export function certificatesIn(text: string): X509Certificate[] {
  return (text.match(certificateBlock) ?? []).map((block) => new X509Certificate(block))
}
