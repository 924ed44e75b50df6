import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { closeAfterTests } from '../support/close-after-tests.ts'
import { post, tokenFor } from '../support/era-calls.ts'
import { legacyRequest } from '../support/gated-spy.ts'
import { type HeldStream, openStream, type Streamer, startStreamer } from '../support/held-streams.ts'
import { freePort } from '../support/installation.ts'
import { overwritePair, type PairFiles, trustedCertificate, writePair } from '../support/local-tls.ts'
import { type ServedFile, serveFile } from '../support/served-file.ts'
import { until } from '../support/until.ts'

const list = legacyRequest('tools/list')
const workers = 2

describe('a certificate that changes with the configuration of workers', { timeout: 120_000 }, () => {
  const [first, second] = [trustedCertificate(), trustedCertificate()]
  const fingerprint = new X509Certificate(second.cert).fingerprint256
  let gate: ServedFile
  let spy: Streamer
  let files: PairFiles
  let port: number
  let token: string
  let stream: HeldStream
  const suite = closeAfterTests()
  const url = (): string => `https://localhost:${port}/mcp`
  const listing = async (): Promise<number> =>
    (await post(url(), token, list, { headers: { connection: 'close' } })).status
  const said = (message: RegExp, from: number): number =>
    gate
      .lines()
      .slice(from)
      .filter(({ msg }) => message.test(msg ?? '')).length
  /** Whether each worker shows new connections the second certificate. */
  const showsSecond = async (): Promise<boolean> => {
    for (let n = 0; n < 2 * workers; n++) {
      const socket = connect({ port, servername: 'localhost', rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const shown = socket.getPeerCertificate().fingerprint256
      socket.destroy()
      if (shown !== fingerprint) return false
    }
    return true
  }

  before(async () => {
    spy = await startStreamer()
    suite.after(() => spy.close())
    port = await freePort()
    files = writePair(first)
    gate = await serveFile(
      suite,
      {
        publicUrl: `https://localhost:${port}`,
        listen: { gateway: port, tls: files },
        upstreams: [{ name: 'http', url: spy.url, transport: 'streamable-http', era: 'legacy' }],
      },
      ['--workers', String(workers)],
    )
    token = await tokenFor(url(), 'ada')
    stream = await openStream(url(), token)
  })

  it('is taken up by all of them on one SIGHUP, with every stream that is open', async () => {
    const from = gate.lines().length
    overwritePair(files, second)
    await gate.write({ ...gate.config, limits: { batch: 7 } })
    gate.started.process.kill('SIGHUP')
    await gate.says(/new configuration is in use, changed: limits\.batch/, from)
    await until(showsSecond, 'all workers show the new certificate')
    assert.equal(await listing(), 200)

    const again = gate.lines().length
    gate.started.process.kill('SIGHUP')
    await until(
      () => said(/certificate in .* has not changed: it is in use/, again) >= workers,
      'each says that it has not changed',
    )
    await gate.says(/configuration has not changed/, again)
    assert.ok(!stream.ended)
  })

  it('keeps nobody from serving while it is bad, whoever is to be replaced, and no configuration back', async () => {
    overwritePair(files, { ...second, key: first.key })
    const from = gate.lines().length
    gate.started.process.kill('SIGUSR2')
    await until(
      () => said(/worker \d stays, for its successor cannot start/, from) === workers,
      'both workers stay',
    )
    await gate.write({ ...gate.config, limits: { batch: 8 } })
    await gate.says(/new configuration is in use/, from)
    assert.ok(await showsSecond())
    assert.equal(await listing(), 200)
    assert.ok(!stream.ended)

    overwritePair(files, second)
    gate.started.process.kill('SIGTERM')
    await stream.ends()
    assert.equal(await gate.started.exit, 0)
  })
})
