import { z } from 'zod'

const file = (error: string): z.ZodString => z.string({ error }).min(1, error)

/** The setting `listen.tls`. */
export const tlsSchema = z
  .strictObject({
    certificate: file('must name the PEM file of the certificate, followed by those of its issuers').meta({
      description:
        'PEM file with the certificate, followed by its chain. Makes the gateway speak TLS. A changed file takes effect without a restart.',
    }),
    key: file('must name the PEM file of the private key, without passphrase').meta({
      description: 'PEM file with its private key, without a passphrase.',
    }),
  })
  .optional()

/** The files of the gateway's certificate and its private key. */
export type TlsFiles = NonNullable<z.output<typeof tlsSchema>>
