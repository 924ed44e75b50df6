import assert from 'node:assert/strict'
import { it } from 'node:test'
import { sqliteCode, sqliteCodes } from '../../src/storage/database/sqlite-code.ts'

it('the code of an error of SQLite is the primary one, whatever the bits above say', () => {
  const busyRecovery = 5 | (1 << 8)
  const failedWrite = 10 | (3 << 8)
  assert.equal(sqliteCode({ errcode: busyRecovery }), sqliteCodes.busy)
  assert.equal(sqliteCode({ errcode: failedWrite }), sqliteCodes.inputOutput)
  for (const other of [new Error('no such thing'), undefined, null]) assert.equal(sqliteCode(other), 0)
})
