import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { makeCertificate } from '../support/local-tls.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-named-'))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function problem(base: ConfigInput, environment = {}): string {
  try {
    loadConfig({ base, environment })
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

describe('a file that cannot be read is named with the fix', () => {
  for (const [path, what] of [
    [join(folder, 'none'), 'does not exist: name the file that holds'],
    [join(file('a', ''), 'none'), 'does not exist: name the file that holds'],
    [folder, 'is a folder: name the file in it that holds'],
    ['/proc/self/mem', 'cannot be read (EIO): let the user that Portcullis runs as read it'],
  ] as const)
    it(`where it ${what}`, () => {
      const ofVariable = problem({}, { PORTCULLIS_SECRET_FILE: path })
      assert.ok(ofVariable.includes(`PORTCULLIS_SECRET_FILE: names ${path}, which ${what}`), ofVariable)
      const sinks = [{ kind: 'syslog' as const, name: 's', host: 'h', ca: path }]
      const ofSink = problem({ audit: { sinks } })
      assert.ok(ofSink.includes(`audit.sinks[0].ca: ${path} ${what}`), ofSink)
    })
})

describe('the certificates for a syslog server', () => {
  const found = (ca: string): string =>
    problem({ audit: { sinks: [{ kind: 'syslog', name: 's', host: 'h', ca }] } })

  it('are refused where there are none, or one is damaged, since TLS would trust nobody', () => {
    assert.match(
      found(file('text', 'no certificate')),
      /ca: .*text holds no certificate in PEM: name the file/,
    )
    const damaged = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
    const { cert } = makeCertificate({ names: 'DNS:h' })
    assert.match(found(file('two', cert + damaged)), /ca: .*two holds a certificate that is damaged: get it/)
    assert.equal(found(file('good', cert + cert)), '')
  })

  it('are refused where nothing would be encrypted', () => {
    const ca = file('authority', makeCertificate({ names: 'DNS:h' }).cert)
    const over = (transport: 'tls' | 'tcp' | 'udp'): string =>
      problem({ audit: { sinks: [{ kind: 'syslog', name: 's', host: 'h', transport, ca }] } })
    for (const transport of ['tcp', 'udp'] as const)
      assert.match(
        over(transport),
        new RegExp(`ca: works only with transport: tls, and ${transport} encrypts nothing`),
      )
    assert.equal(over('tls'), '')
  })
})
