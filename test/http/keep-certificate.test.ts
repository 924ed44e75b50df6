import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { keepCertificate } from '../../src/http/keep-certificate.ts'
import { type MovableClock, movableClock } from '../support/movable-clock.ts'
import { until } from '../support/until.ts'

const day = 24 * 3600 * 1000
const everyMs = 20

interface Pair {
  readonly cert: string
  readonly key: string
  readonly validUntil: number
}

interface Kept {
  readonly certificate: string
  readonly key: string
  readonly clock: MovableClock
  /** The certificates that were taken up. */
  readonly used: string[]
  readonly lines: string[]
  /** How often the keeper has read the files. */
  readonly reads: () => number
  readonly reload: () => Promise<void>
}

/** A keeper of two files whose texts fit when they are the same. */
function keep(test: TestContext, folder: string, { validDays = 60 } = {}): Kept {
  const [certificate, key] = [join(folder, 'cert'), join(folder, 'key')]
  const clock = movableClock()
  const began = clock.now()
  const validUntil = Date.now() + validDays * day + 1000
  const used: string[] = []
  const lines: string[] = []
  let reads = -1
  const read = (): Pair | string => {
    reads++
    const [cert, own] = [readFileSync(certificate, 'utf8'), readFileSync(key, 'utf8')]
    if (cert === 'tomorrow' && clock.now() < began + day) return 'it is not valid yet'
    if (cert === own)
      return { cert, key: own, validUntil: cert === 'long' ? validUntil + 400 * day : validUntil }
    return `${own} does not fit ${cert}`
  }
  const { reload, stop } = keepCertificate<Pair>({
    files: [certificate, key],
    pair: read() as Pair,
    read,
    use({ cert }) {
      if (cert === 'strange') throw new Error('TLS cannot use it')
      used.push(cert)
    },
    log: {
      info: (_facts, message) => lines.push(`info ${message}`),
      warn: (_facts, message) => lines.push(`warn ${message}`),
    },
    clock,
    onFault: (error) => lines.push(`fault ${String(error)}`),
    everyMs,
  })
  test.after(stop)
  return { certificate, key, clock, used, lines, reads: () => reads, reload }
}

function folderWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-kept-'))
  for (const name of ['cert', 'key']) writeFileSync(join(folder, name), text)
  return folder
}

/** How often the system has answered what it knows of a file, from now on. */
function countStats(test: TestContext): () => number {
  const { stat } = fs
  let answered = 0
  const { mock } = test.mock.method(fs, 'stat', (...asked: Parameters<typeof stat>) =>
    stat(...asked).finally(() => answered++),
  )
  syncBuiltinESMExports()
  test.after(() => {
    mock.restore()
    syncBuiltinESMExports()
  })
  return () => answered
}

const looks = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * everyMs))

describe('a certificate that is kept up to date', () => {
  it('is taken up when its files are written over', async (test) => {
    const { certificate, key, used, lines } = keep(test, folderWith('one'))
    await looks(5)
    for (const file of [certificate, key]) writeFileSync(file, 'two')
    await until(() => used.length > 0)
    await looks(5)
    assert.deepEqual(used, ['two'])
    assert.match(
      lines.join('\n'),
      /^info the new certificate in .*cert is in use, valid until \d{4}-\d\d-\d\d$/,
    )
  })

  it('is taken up when other files are renamed into their place, between the start and the first look', async (test) => {
    const folder = folderWith('one')
    const { certificate, key, used } = keep(test, folder)
    for (const file of [certificate, key]) {
      writeFileSync(`${file}.new`, 'two')
      renameSync(`${file}.new`, file)
    }
    await until(() => used.length > 0)
    assert.deepEqual(used, ['two'])
  })

  it('is taken up when a link in its path is turned, as Kubernetes does with secrets', async (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-kept-'))
    for (const [version, text] of [
      ['..1', 'one'],
      ['..2', 'two'],
    ] as const) {
      mkdirSync(join(folder, version))
      for (const name of ['cert', 'key']) writeFileSync(join(folder, version, name), text)
    }
    symlinkSync('..1', join(folder, '..data'))
    for (const name of ['cert', 'key']) symlinkSync(join('..data', name), join(folder, name))
    const { used } = keep(test, folder)
    await looks(5)
    symlinkSync('..2', join(folder, '..new'))
    renameSync(join(folder, '..new'), join(folder, '..data'))
    rmSync(join(folder, '..1'), { recursive: true })
    await until(() => used.length > 0)
    assert.deepEqual(used, ['two'])
  })

  it('stays the old one while the new one is bad, which one line tells', async (test) => {
    const { certificate, key, used, lines } = keep(test, folderWith('one'))
    writeFileSync(certificate, 'two')
    await until(() => lines.length > 0)
    await looks(10)
    assert.deepEqual(lines, [
      'warn the new certificate is not used, the old one still is: one does not fit two',
    ])
    assert.deepEqual(used, [])
    writeFileSync(key, 'two')
    await until(() => used.length > 0)
    assert.deepEqual(used, ['two'])
  })

  it('is not read while it changes: two files are not replaced at one moment', async (test) => {
    test.mock.timers.enable({ apis: ['setInterval'] })
    const asked = countStats(test)
    const { certificate, key, used, lines, reads } = keep(test, folderWith('one'))
    const look = async (): Promise<void> => {
      const before = asked()
      test.mock.timers.tick(everyMs)
      await until(() => asked() === before + 2, 'it has looked at both files')
    }
    await until(() => asked() === 2, 'it has looked at both files')
    await look()
    assert.equal(reads(), 1)
    writeFileSync(certificate, 'two')
    await look()
    writeFileSync(key, 'two')
    await look()
    assert.equal(reads(), 1)
    await look()
    assert.deepEqual(used, ['two'])
    assert.ok(!lines.some((line) => line.startsWith('warn')), lines.join('\n'))
    assert.equal(reads(), 2)
  })

  it('is tried again while it is bad, since it may only be too early', async (test) => {
    const { certificate, key, clock, used, lines } = keep(test, folderWith('one'))
    for (const file of [certificate, key]) writeFileSync(file, 'tomorrow')
    await until(() => lines.some((line) => line.endsWith('it is not valid yet')))
    clock.advance(day)
    await until(() => used.length > 0)
    assert.equal(lines.length, 2)
  })

  it('is read at once when somebody asks, who is told what came of it', async (test) => {
    const { certificate, key, used, lines, reload } = keep(test, folderWith('one'))
    await reload()
    writeFileSync(certificate, 'two')
    await reload()
    await reload()
    writeFileSync(key, 'two')
    await reload()
    assert.deepEqual(used, ['two'])
    const told = lines.map((line) => line.replace(/ in \/.*| does not.*/, ''))
    const refused = 'warn the new certificate is not used, the old one still is: one'
    assert.deepEqual(told, ['info the certificate', refused, refused, 'info the new certificate'])
    assert.match(lines[0] ?? '', /has not changed: it is in use, valid until /)
  })

  it('is told once a day to be near its end, and to be over', async (test) => {
    const { clock, lines } = keep(test, folderWith('one'), { validDays: 16 })
    const ends = (): string[] => lines.map((line) => line.replace(/.*cert /, '').replace(/ \(.*/, ''))
    await looks(5)
    clock.advance(day)
    await looks(5)
    assert.deepEqual(lines, [], 'fifteen days are enough')
    clock.advance(day + 2000)
    await until(() => lines.length > 0)
    await looks(5)
    assert.deepEqual(ends(), ['expires in 13 days'])
    assert.match(lines[0] ?? '', /^warn .* \(valid until \d{4}-\d\d-\d\d\): renew it, no restart is needed$/)
    clock.advance(day / 2)
    await looks(5)
    assert.equal(lines.length, 1, 'once a day')
    clock.advance(day / 2)
    await until(() => lines.length > 1)
    clock.advance(11 * day)
    await until(() => lines.length > 2)
    clock.advance(day)
    await until(() => lines.length > 3)
    clock.advance(day)
    await until(() => lines.length > 4)
    await looks(5)
    assert.deepEqual(ends(), [
      'expires in 13 days',
      'expires in 12 days',
      'expires in a day',
      'expires in less than a day',
      'has expired, and clients refuse it',
    ])
  })

  it('is told to be near its end when it is taken up, and not any more once another one is', async (test) => {
    const { certificate, key, clock, used, lines } = keep(test, folderWith('one'), { validDays: 10 })
    const ends = (): string[] => lines.filter((line) => line.startsWith('warn'))
    assert.equal(ends().length, 1)
    for (const file of [certificate, key]) writeFileSync(file, 'two')
    await until(() => ends().length === 2)
    for (const file of [certificate, key]) writeFileSync(file, 'long')
    await until(() => used.length === 2)
    clock.advance(2 * day)
    await looks(5)
    assert.equal(ends().length, 2, ends().join('\n'))
  })

  it('is told to be bad again if it has been good in between', async (test) => {
    const { certificate, lines, reload } = keep(test, folderWith('one'))
    const warnings = (): string[] => lines.filter((line) => line.startsWith('warn'))
    for (const told of [1, 2]) {
      writeFileSync(certificate, 'two')
      await until(() => warnings().length === told)
      writeFileSync(certificate, 'one')
      await reload()
    }
    assert.equal(...(warnings() as [string, string]))
  })

  it('does no harm if TLS cannot use it after all', async (test) => {
    const { certificate, key, used, lines } = keep(test, folderWith('one'))
    for (const file of [certificate, key]) writeFileSync(file, 'strange')
    await until(() => lines.length > 0)
    assert.deepEqual(lines, ['fault Error: TLS cannot use it'])
    for (const file of [certificate, key]) writeFileSync(file, 'two')
    await until(() => used.length > 0)
  })
})
