import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { hashLine } from '../../src/audit/chain.ts'
import type { RecordedEvent } from '../../src/audit/event.ts'
import { filePaths } from '../../src/audit/files.ts'
import type { Finding } from '../../src/audit/findings.ts'
import { readTrailKeys } from '../../src/audit/signature.ts'
import { makeTrailFolder, someEvent, type TrailFolder } from '../support/trail.ts'

/** A chain of nine events: its beginning (line 1), seven calls, its end (line 9). */
async function sevenCalls(): Promise<TrailFolder> {
  const made = makeTrailFolder()
  const trail = made.open()
  for (let call = 1; call <= 7; call++) trail.record(someEvent(`call-${call}`))
  await trail.close()
  return made
}

const spots = (findings: readonly Finding[]): string[] => findings.map(({ kind, line }) => `${kind} ${line}`)

/** Writes the chain of some lines anew, as somebody would who can write the files and has no key. */
function rechain(lines: readonly string[]): string[] {
  let prev = ''
  return lines.map((line, seq) => {
    const event = { ...(JSON.parse(line) as RecordedEvent), seq, prev }
    const written = JSON.stringify(event)
    prev = hashLine(written)
    return written
  })
}

describe('audit verify (N34)', () => {
  it('finds nothing in what nobody touched', async () => {
    const made = await sevenCalls()
    const verified = await made.verify()
    assert.deepEqual(verified.findings, [])
    assert.deepEqual([verified.events, verified.chains, verified.unsealed, verified.open], [9, 1, 0, 0])
  })

  it('finds every event that was changed, and says where', async () => {
    for (let line = 1; line <= 9; line++) {
      const made = await sevenCalls()
      made.rewrite((lines) =>
        lines.map((text, index) => (index === line - 1 ? text.replace('2026-', '2025-') : text)),
      )
      const { findings } = await made.verify()
      assert.ok(spots(findings).includes(`changed ${line}`), `line ${line}: ${JSON.stringify(findings)}`)
      assert.match(findings[0]?.source ?? '', /^audit-2026-11-27\.00001\.jsonl$/)
    }
  })

  it('finds every event that was removed', async () => {
    for (let line = 1; line <= 8; line++) {
      const made = await sevenCalls()
      made.rewrite((lines) => lines.toSpliced(line - 1, 1))
      const { findings } = await made.verify()
      assert.deepEqual(spots(findings), [`removed ${line}`], `line ${line}`)
      assert.match(findings[0]?.message ?? '', new RegExp(`number ${line - 1} of chain .* is missing`))
    }
  })

  it('finds events that were moved', async () => {
    const made = await sevenCalls()
    made.rewrite((lines) => [...lines.slice(0, 3), lines[4]!, lines[3]!, ...lines.slice(5)])
    assert.deepEqual(spots((await made.verify()).findings), ['reordered 5'])
    const moved = await sevenCalls()
    moved.rewrite((lines) => [...lines.slice(0, 2), ...lines.slice(3, 6), lines[2]!, ...lines.slice(6)])
    assert.deepEqual(spots((await moved.verify()).findings), ['reordered 6'])
  })

  it('finds an event that was put in twice, and one that was made up', async () => {
    const twice = await sevenCalls()
    twice.rewrite((lines) => lines.toSpliced(4, 0, lines[3]!))
    assert.deepEqual(spots((await twice.verify()).findings), ['reordered 5'])
    const made = await sevenCalls()
    made.rewrite((lines) => lines.toSpliced(4, 0, '{"v":1}'))
    assert.deepEqual(spots((await made.verify()).findings), ['unreadable 5'])
  })

  it('finds a chain that was written anew without the key', async () => {
    const made = await sevenCalls()
    made.rewrite((lines) => rechain(lines.map((line) => line.replace('call-3', 'call-0'))))
    assert.deepEqual(spots((await made.verify()).findings), ['changed 9'])
  })

  it('finds that signatures are gone which were due', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    for (let minute = 0; minute < 10; minute++) {
      trail.commit(someEvent(`call-${minute}`))
      trail.checkpoint()
      made.clock.advance(50_000)
    }
    await trail.close()
    assert.deepEqual((await made.verify()).findings, [])
    made.rewrite((lines) =>
      rechain(lines.filter((line) => !/"event":"audit\.(?:checkpoint|end)"/.test(line))),
    )
    assert.deepEqual(spots((await made.verify()).findings), ['unsigned 6'])
  })

  it('finds that the end of a chain is gone once another has begun', async () => {
    const made = await sevenCalls()
    await made.open().close()
    made.rewrite((lines) => lines.toSpliced(8, 1))
    assert.deepEqual(spots((await made.verify()).findings), ['removed 8'])
    const whole = await sevenCalls()
    await whole.open().close()
    whole.rewrite((lines) => lines.slice(9))
    assert.deepEqual(spots((await whole.verify()).findings), ['removed 1'])
  })

  it('finds that a chain among others is gone, or its end, once another has begun, wherever in the folder it was', async () => {
    const made = makeTrailFolder()
    const server = made.open({ fileBytes: 1000 })
    const command = made.open({ fileBytes: 1000 })
    command.commit(someEvent('what an operator did'))
    const { chain } = JSON.parse(made.lines()[1]!) as RecordedEvent
    await command.close()
    for (let call = 0; call < 10; call++) server.commit(someEvent(`call-${call}`))
    await server.close()
    const [path = ''] = filePaths(made.folder)
    const whole = readFileSync(path, 'utf8')
    const without = (isGone: (event: RecordedEvent) => boolean) =>
      writeFileSync(
        path,
        whole.replaceAll(/.+\n/g, (line) => (isGone(JSON.parse(line)) ? '' : line)),
      )

    without((event) => event.chain === chain)
    assert.deepEqual((await made.verify()).findings, [], 'nobody has begun since')
    writeFileSync(path, whole)
    await made.open({ fileBytes: 1000 }).close()
    await made.open({ fileBytes: 1000 }).close()
    assert.ok(filePaths(made.folder).length > 2)
    assert.deepEqual((await made.verify()).findings, [])
    const told = made
      .lines()
      .map((line) => (JSON.parse(line) as { others?: { chain: string }[] }).others ?? [])
    assert.deepEqual(
      told
        .map((others) => others.filter((place) => place.chain === chain).length)
        .filter((count) => count > 0),
      [1],
      'the first one to begin says so for all',
    )
    for (const isGone of [
      (event: RecordedEvent) => event.chain === chain,
      (event: RecordedEvent) => event.chain === chain && event.seq > 0,
      (event: RecordedEvent) => event.chain === chain && event.event === 'audit.end',
    ]) {
      without(isGone)
      const { findings } = await made.verify()
      assert.deepEqual(
        findings.map(({ kind }) => kind),
        ['removed'],
      )
      assert.ok(findings[0]?.message.includes(chain))
    }
  })

  it('leaves nothing unsaid of a chain because somebody without a key says that it was said', async () => {
    const made = await sevenCalls()
    const [begin = '', ...rest] = made.lines()
    const { chain, seq, hash } = {
      ...(JSON.parse(rest.at(-1)!) as RecordedEvent),
      hash: hashLine(rest.at(-1)!),
    }
    const forged = { ...JSON.parse(begin), chain: 'made-up', others: [{ chain, seq, hash }] }
    made.rewrite((lines) => [...lines, JSON.stringify(forged)])
    await made.open().close()
    made.rewrite((lines) => lines.slice(10))
    assert.deepEqual(
      (await made.verify()).findings.map(({ message }) => message.includes(chain)),
      [false, true],
      'neither what was made up nor what it spoke of is there',
    )
  })

  it('finds what was made up in a beginning, whatever it says', async () => {
    for (const made of [{ after: null }, { others: {} }, { others: [null] }, { every: 'x' }]) {
      const folder = await sevenCalls()
      folder.rewrite(([begin = '', ...lines]) => [
        JSON.stringify({ ...JSON.parse(begin), ...made }),
        ...lines,
      ])
      assert.ok(spots((await folder.verify()).findings).includes('changed 1'), JSON.stringify(made))
      await folder.open().close()
    }
  })

  it('finds that the last events of a chain were changed once another has begun, also where more were put behind them', async () => {
    const made = makeTrailFolder()
    const killed = made.open()
    for (const name of ['one', 'two', 'three']) killed.commit(someEvent(name))
    const goesOn = made.open()
    goesOn.commit(someEvent('four'))
    const [begin, ...rest] = made.lines()
    const theirs = rest.splice(3)
    assert.deepEqual(spots((await made.verify()).findings), [])
    const forge = (...names: string[]): string[] => {
      let prev = hashLine(begin!)
      return names.map((object, index) => {
        const line = JSON.stringify({ ...JSON.parse(rest[0]!), object, seq: index + 1, prev })
        prev = hashLine(line)
        return line
      })
    }
    for (const names of [
      ['one', 'forged', 'three'],
      ['one', 'forged', 'three', 'more'],
      ['one', 'forged', 'three', 'more', 'and more'],
    ]) {
      made.rewrite(() => [begin!, ...forge(...names), ...theirs])
      assert.deepEqual(spots((await made.verify()).findings), ['changed 4'], names.join(' '))
    }
  })

  it('finds a chain that nobody with a key has begun', async () => {
    const made = await sevenCalls()
    const lines = made.lines()
    for (const seq of [0, -1]) {
      const forged = JSON.stringify({ ...JSON.parse(lines[1]!), chain: 'made-up', seq, prev: '' })
      made.rewrite(() => lines.toSpliced(4, 0, forged))
      assert.deepEqual(spots((await made.verify()).findings), ['unsigned 5'], `number ${seq}`)
    }
  })

  it('finds events that were put behind the end of a chain', async () => {
    const made = await sevenCalls()
    made.rewrite((lines) => {
      const behind = { ...(JSON.parse(lines[3]!) as RecordedEvent), seq: 9, prev: hashLine(lines[8]!) }
      return [...lines, JSON.stringify(behind)]
    })
    const { findings } = await made.verify()
    assert.deepEqual(spots(findings), ['changed 10'])
    assert.match(findings[0]?.message ?? '', /goes on after its end/)
  })

  it('finds a signature that was taken off', async () => {
    const made = await sevenCalls()
    made.rewrite((lines) => rechain(lines.map((line) => line.replace(/,"sig":"[^"]+"/, ''))))
    assert.deepEqual(spots((await made.verify()).findings), ['changed 1', 'changed 9'])
  })

  it('says how many events no signature covers, as after kill -9', async () => {
    const made = makeTrailFolder()
    const trail = made.open()
    trail.commit(someEvent('signed'))
    trail.checkpoint()
    trail.commit(someEvent('one'))
    trail.commit(someEvent('two'))
    const { unsealed, open, findings } = await made.verify()
    assert.deepEqual([unsealed, open, findings], [2, 1, []])
    await trail.close()
  })

  it('takes what somebody is writing at this moment for no change, and what was torn for one', async () => {
    const made = await sevenCalls()
    const [path = ''] = filePaths(made.folder)
    const line = made.lines()[1]!
    for (const written of [1, 40, line.length - 1]) {
      const whole = readFileSync(path, 'utf8')
      appendFileSync(path, line.slice(0, written))
      assert.deepEqual((await made.verify()).findings, [], `${written} characters`)
      writeFileSync(path, whole)
    }
    appendFileSync(path, line)
    assert.deepEqual(
      spots((await made.verify()).findings),
      ['reordered 10'],
      'an event, with its line end or without',
    )
    writeFileSync(path, `${made.lines().slice(0, 9).join('\n')}\n${line.slice(0, 40)}`)
    made.clock.advance(24 * 3600 * 1000)
    await made.open().close()
    assert.deepEqual(spots((await made.verify()).findings), ['unreadable 10'])
  })

  it('takes an empty line for no change, as comes where a process opens the file while another one writes', async () => {
    const made = await sevenCalls()
    made.rewrite((lines) => lines.toSpliced(4, 0, ''))
    const { findings, events } = await made.verify()
    assert.deepEqual([findings, events], [[], 9])
  })

  it('trusts no key that it was not given', async () => {
    const made = await sevenCalls()
    const stranger = new Map([['k1', generateKeyPairSync('ed25519').publicKey]])
    assert.deepEqual(spots((await made.verify(stranger)).findings), ['changed 1', 'changed 9'])
    assert.deepEqual(spots((await made.verify(new Map())).findings), ['unsigned 1', 'unsigned 9'])
  })

  it('takes its keys from a JWK Set of Ed25519 keys, and says what else it was given', () => {
    for (const wrong of [null, {}, [], { keys: {} }])
      assert.throws(() => readTrailKeys(wrong), /must be a JWK Set/, JSON.stringify(wrong))
    const { publicKey } = generateKeyPairSync('ed25519')
    const jwk = publicKey.export({ format: 'jwk' })
    for (const wrong of [null, {}, jwk, { ...jwk, kid: 1 }, { kty: 'RSA', n: 'AQ', e: 'AQAB', kid: 'k' }])
      assert.throws(() => readTrailKeys({ keys: [wrong] }), /must hold Ed25519 keys, each with its kid/)
    assert.ok(
      readTrailKeys({ keys: [{ ...jwk, kid: 'k' }] })
        .get('k')
        ?.equals(publicKey),
    )
  })

  it('follows several processes that append to one file', async () => {
    const made = makeTrailFolder()
    const trails = [made.open(), made.open(), made.open()]
    for (let call = 0; call < 30; call++) trails[call % 3]?.commit(someEvent(`call-${call}`))
    for (const trail of trails) await trail.close()
    const { findings, chains, events } = await made.verify()
    assert.deepEqual([findings, chains, events], [[], 3, 36])
  })
})
